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

from lib.context import Context
from lib.database.common import (
    BACKUP_WINDOW,
    CONNECTION_PARAMETERS,
    INSTANCE_PARAMETERS,
    MAINTENANCE_WINDOW,
    MonitoringRole,
    common_arguments,
    instance_parameters,
    monitoring_arguments,
    parameter_blocks,
)
from lib.database.config import AuroraConfig
from lib.database.secret import DatabaseSecret
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import SecurityGroup
from lib.suppressions import suppress

ENGINE = "aurora-postgresql"


class AuroraCluster(Construct):
    """Creates an encrypted Aurora PostgreSQL cluster: a writer and readers in different zones.

    Guarantee: connections use TLS and come from security groups that are granted access; the
    instances are in private subnets; statements and connections are logged to an encrypted log
    group. The cluster stays destroyable: no deletion protection and no final snapshot. Create a
    second cluster of a stack with `context.extend("reporting")`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        secret: DatabaseSecret,
        config: AuroraConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config, self._network = context, config, network
        key = self._key = context.key
        key.allow_via_service("rds", create_grants=True)
        self.security_group = SecurityGroup(
            self,
            "SecurityGroup",
            context=context,
            vpc=network.vpc,
            kind="aurora-security-group",
            purpose="Aurora PostgreSQL, reached from the function only",
        )
        self._monitoring_role = MonitoringRole(self, "MonitoringRole", context=context)
        self.log_group = LogGroup(
            self,
            "Logs",
            context=context,
            path="/aws/rds/cluster",
            kind="aurora-cluster",
            stream_kind="/postgresql",
        )
        self.cluster = RdsCluster(
            self,
            "Resource",
            cluster_identifier=context.name("aurora-cluster"),
            engine=ENGINE,
            engine_version=config.engine_version,
            database_name=config.name,
            master_username=config.username,
            master_password_wo=secret.password,
            master_password_wo_version=secret.version,
            db_subnet_group_name=network.database_subnet_group.name,
            vpc_security_group_ids=[self.security_group.id],
            db_cluster_parameter_group_name=self._create_cluster_parameters().name,
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            enabled_cloudwatch_logs_exports=["postgresql"],
            **common_arguments(config, key),
            tags=context.name_tag("aurora-cluster"),
            depends_on=[self.log_group.group],
        )
        suppress(
            self.cluster,
            since="2026-11",
            reasons={
                "CKV_AWS_139": "Every environment stays destroyable; backups are kept instead",
                "CKV2_AWS_8": "Continuous backups of Aurora cover the required retention",
            },
        )
        self.instances = self._create_instances()
        # A change of the database name replaces the cluster.
        identity = f"aws_rds_cluster.{self.cluster.friendly_unique_id}.cluster_resource_id"
        secret.publish(self.cluster.endpoint, replace_with=identity)

    def _create_cluster_parameters(self) -> RdsClusterParameterGroup:
        family = self._config.family
        return RdsClusterParameterGroup(
            self,
            "ClusterParameters",
            # The family is in the name: an upgrade needs the old group until the new one is used.
            name=self._context.name(f"{family}-cluster-parameters"),
            family=family,
            description="TLS only; statements and connections logged",
            parameter=parameter_blocks(RdsClusterParameterGroupParameter, CONNECTION_PARAMETERS),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            tags=self._context.name_tag("cluster-parameters"),
        )

    def _create_instances(self) -> list[RdsClusterInstance]:
        parameters = instance_parameters(
            self,
            context=self._context,
            family=self._config.family,
            description="Lock waits and large temporary files logged",
            parameters=INSTANCE_PARAMETERS,
        )
        # Aurora promotes the first instance to writer, so the readers depend on it.
        writer = self._create_instance(0, parameters, self._monitoring_role.permissions)
        readers = range(1, 1 + self._config.reader_count)
        return [
            writer,
            *(self._create_instance(number, parameters, [writer]) for number in readers),
        ]

    def _create_instance(
        self,
        number: int,
        parameters: DbParameterGroup,
        depends_on: Sequence[ITerraformDependable],
    ) -> RdsClusterInstance:
        context = self._context
        zones = self._network.availability_zones
        kind = "aurora-writer" if number == 0 else f"aurora-reader-{number}"
        instance = RdsClusterInstance(
            self,
            "Writer" if number == 0 else f"Reader{number}",
            identifier=context.name(kind),
            cluster_identifier=self.cluster.id,
            engine=ENGINE,
            engine_version=self.cluster.engine_version,
            instance_class=self._config.instance_class,
            availability_zone=zones[number % len(zones)],
            promotion_tier=min(number, 15),
            db_parameter_group_name=parameters.name,
            publicly_accessible=False,
            copy_tags_to_snapshot=True,
            **monitoring_arguments(self._monitoring_role, self._key),
            auto_minor_version_upgrade=False,
            apply_immediately=True,
            tags=context.name_tag(kind),
            depends_on=depends_on,
        )
        suppress(
            instance,
            since="2026-11",
            reasons={
                "CKV_AWS_226": "The engine version is a setting: upgrades are planned changes"
            },
        )
        return instance
