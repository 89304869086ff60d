"""PostgreSQL on RDS: one instance, and its standby in another zone."""

from __future__ import annotations

from cdktf import Fn
from cdktf_cdktf_provider_aws.db_instance import DbInstance
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
)
from lib.database.secret import PORT, DatabaseSecret
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import SecurityGroup
from lib.settings import PostgresSettings
from lib.suppressions import suppress

ENGINE = "postgres"
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html
LOGS = ("postgresql", "upgrade")


class PostgresInstance(Construct):
    """Creates an encrypted PostgreSQL instance, with a standby in another zone by a setting.

    Guarantee: reached over TLS only, from security groups that were opened to it, in the innermost
    subnets; statements and connections are logged under our key. Where the settings name a major
    version alone, RDS takes its default minor version and upgrades it in the maintenance window;
    a full version stays until the setting changes. It stays destroyable: no deletion protection
    and no final snapshot.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        secret: DatabaseSecret,
        database: PostgresSettings,
    ) -> None:
        super().__init__(scope, id_)
        settings, key = foundation.settings, foundation.key
        self._secret, self._database = secret, database
        self.security_group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=settings,
            vpc=network.vpc,
            kind="database-security-group",
            purpose="PostgreSQL; nothing goes out",
        )
        role = MonitoringRole(self, "MonitoringRole", foundation=foundation)
        self.log_groups = [
            LogGroup(
                self,
                f"{log.title()}Logs",
                foundation=foundation,
                path="/aws/rds/instance",
                kind="database",
                stream_kind=f"/{log}",
            )
            for log in LOGS
        ]
        parameters = instance_parameters(
            self,
            settings=settings,
            family=database.family,
            description="TLS only; statements, connections, lock waits and temporary files logged",
            parameters=CONNECTION_PARAMETERS | INSTANCE_PARAMETERS,
        )
        self.instance = DbInstance(
            self,
            "Resource",
            identifier=settings.name("database"),
            instance_class=database.instance_class,
            engine=ENGINE,
            engine_version=database.engine_version,
            auto_minor_version_upgrade=database.newest_minor_version,
            # Another major version is a change of the setting, and so a planned one.
            allow_major_version_upgrade=True,
            parameter_group_name=parameters.name,
            db_name=database.name,
            username=database.username,
            password_wo=secret.password,
            password_wo_version=secret.version,
            multi_az=database.multi_az,
            db_subnet_group_name=network.database_subnet_group.name,
            vpc_security_group_ids=[self.security_group.id],
            publicly_accessible=False,
            storage_type="gp3",
            allocated_storage=database.storage_gb,
            max_allocated_storage=database.maximum_storage_gb,
            backup_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            enabled_cloudwatch_logs_exports=[*LOGS],
            **durability(database, key),
            **observation(role, key),
            tags=settings.name_tag("database"),
            depends_on=[*(logs.group for logs in self.log_groups), *role.permissions],
        )
        self._waive()
        self.identifier = self.instance.identifier
        # The address of an attribute that is another one in every new instance.
        self.identity = f"aws_db_instance.{self.instance.friendly_unique_id}.resource_id"
        self.address = self.instance.address
        secret.publish(self.address, replace_with=self.identity)

    @property
    def url(self) -> str:
        """The connection URL with the password; like that, for write-only arguments alone."""
        database = self._database
        password = Fn.urlencode(self._secret.password)
        return (
            f"postgresql://{database.username}:{password}@{self.address}:{PORT}/{database.name}"
            "?sslmode=require"
        )

    def _waive(self) -> None:
        suppress(
            self.instance,
            since="2026-11",
            reasons={
                "CKV_AWS_293": "Every environment stays destroyable; backups are kept instead"
            },
        )
        if not self._database.newest_minor_version:
            suppress(
                self.instance,
                since="2026-11",
                reasons={"CKV_AWS_226": "A pinned minor version: upgrades are planned changes"},
            )
        if not self._database.multi_az:
            suppress(
                self.instance,
                since="2026-11",
                reasons={"CKV_AWS_157": "The settings do without a standby in another zone"},
            )
