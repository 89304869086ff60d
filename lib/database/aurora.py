"""Aurora PostgreSQL: a cluster and its instances."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.db_parameter_group import DbParameterGroup
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster
from cdktf_cdktf_provider_aws.rds_cluster_instance import RdsClusterInstance
from cdktf_cdktf_provider_aws.rds_cluster_parameter_group import (
    RdsClusterParameterGroup,
    RdsClusterParameterGroupParameter,
)
from constructs import Construct

from lib.context import Foundation
from lib.database.common import (
    BACKUP_WINDOW,
    CONNECTION_PARAMETERS,
    INSTANCE_PARAMETERS,
    MAINTENANCE_WINDOW,
    MonitoringRole,
    durability,
    instance_parameters,
    observation,
    rows,
)
from lib.database.secret import DatabaseSecret
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import SecurityGroup
from lib.suppressions import suppress

ENGINE = "aurora-postgresql"


class AuroraCluster(Construct):
    """Creates an encrypted Aurora PostgreSQL cluster: a writer and readers in different zones.

    Guarantee: reached over TLS only, from security groups that were opened to it, in private subnets;
    statements and connections are logged under our key. Metrics of the operating system go where
    RDS puts them, the account's log group RDSOSMetrics. It stays destroyable: no deletion
    protection and no final snapshot.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        secret: DatabaseSecret,
    ) -> None:
        super().__init__(scope, id_)
        settings, key = foundation.settings, foundation.key
        self._settings, self._key, self._network = settings, key, network
        database = settings.database
        self.security_group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=settings,
            vpc=network.vpc,
            kind="aurora-security-group",
            purpose="Aurora PostgreSQL, reached from the function only",
        )
        self._monitoring_role = MonitoringRole(self, "MonitoringRole", foundation=foundation)
        self.log_group = LogGroup(
            self,
            "Logs",
            foundation=foundation,
            path="/aws/rds/cluster",
            kind="aurora-cluster",
            stream_kind="/postgresql",
        )
        self.cluster = RdsCluster(
            self,
            "Resource",
            cluster_identifier=settings.name("aurora-cluster"),
            engine=ENGINE,
            engine_version=database.engine_version,
            database_name=database.name,
            master_username=database.username,
            master_password_wo=secret.password,
            master_password_wo_version=secret.version,
            db_subnet_group_name=network.database_subnet_group.name,
            vpc_security_group_ids=[self.security_group.id],
            db_cluster_parameter_group_name=self._build_cluster_parameters().name,
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            enabled_cloudwatch_logs_exports=["postgresql"],
            **durability(database, key),
            tags=settings.name_tag("aurora-cluster"),
            depends_on=[self.log_group.group],
        )
        suppress(
            self.cluster,
            since="2026-11",
            reasons={
                "CKV_AWS_139": "Every environment stays destroyable; backups are kept instead",
                "CKV2_AWS_8": "Aurora's own continuous backups cover the retention that is asked for",
            },
        )
        self.instances = self._build_instances()
        # Another name of the database makes another cluster.
        identity = f"aws_rds_cluster.{self.cluster.friendly_unique_id}.cluster_resource_id"
        secret.publish(self.cluster.endpoint, replace_with=identity)

    def _build_cluster_parameters(self) -> RdsClusterParameterGroup:
        family = self._settings.database.family
        return RdsClusterParameterGroup(
            self,
            "ClusterParameters",
            # The family is in the name, as an upgrade needs the old group until the new one is on.
            name=self._settings.name(f"{family}-cluster-parameters"),
            family=family,
            description="TLS only; statements and connections logged",
            parameter=rows(RdsClusterParameterGroupParameter, CONNECTION_PARAMETERS),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            tags=self._settings.name_tag("cluster-parameters"),
        )

    def _build_instances(self) -> list[RdsClusterInstance]:
        parameters = instance_parameters(
            self,
            settings=self._settings,
            family=self._settings.database.family,
            description="Lock waits and large temporary files logged",
            parameters=INSTANCE_PARAMETERS,
        )
        # Aurora makes the first instance the writer, so the readers wait for the one named so.
        writer = self._build_instance(0, parameters, self._monitoring_role.permissions)
        readers = range(1, 1 + self._settings.database.reader_count)
        return [writer, *(self._build_instance(number, parameters, [writer]) for number in readers)]

    def _build_instance(
        self,
        number: int,
        parameters: DbParameterGroup,
        depends_on: Sequence[ITerraformDependable],
    ) -> RdsClusterInstance:
        settings = self._settings
        zones = self._network.availability_zones
        kind = "aurora-writer" if number == 0 else f"aurora-reader-{number}"
        instance = RdsClusterInstance(
            self,
            "Writer" if number == 0 else f"Reader{number}",
            identifier=settings.name(kind),
            cluster_identifier=self.cluster.id,
            engine=ENGINE,
            engine_version=self.cluster.engine_version,
            instance_class=settings.database.instance_class,
            availability_zone=zones[number % len(zones)],
            promotion_tier=min(number, 15),
            db_parameter_group_name=parameters.name,
            publicly_accessible=False,
            copy_tags_to_snapshot=True,
            **observation(self._monitoring_role, self._key),
            auto_minor_version_upgrade=False,
            apply_immediately=True,
            tags=settings.name_tag(kind),
            depends_on=depends_on,
        )
        suppress(
            instance,
            since="2026-11",
            reasons={
                "CKV_AWS_226": "The engine's version is a setting, so that upgrades are planned changes"
            },
        )
        return instance
