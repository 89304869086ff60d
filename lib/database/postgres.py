"""PostgreSQL on RDS: one instance, and its standby in another zone."""

from __future__ import annotations

from cdktf import Fn
from cdktf_cdktf_provider_aws.db_instance import DbInstance
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
)
from lib.database.config import PostgresConfig
from lib.database.secret import PORT, DatabaseSecret
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import SecurityGroup
from lib.suppressions import suppress

ENGINE = "postgres"
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html
LOGS = ("postgresql", "upgrade")


class PostgresInstance(Construct):
    """Creates an encrypted PostgreSQL instance, optionally with a standby in another zone.

    Guarantee: connections use TLS and come from security groups that are granted access; the
    instance is in the isolated subnets (or the private ones if there are none); statements and
    connections are logged to encrypted log groups. It stays destroyable: no deletion protection and
    no final snapshot.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        secret: DatabaseSecret,
        config: PostgresConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._secret, self._config = secret, config
        key = context.key
        key.allow_via_service("rds", create_grants=True)
        self.security_group = SecurityGroup(
            self,
            "SecurityGroup",
            context=context,
            vpc=network.vpc,
            kind="database-security-group",
            purpose="PostgreSQL; nothing goes out",
        )
        role = MonitoringRole(self, "MonitoringRole", context=context)
        self.log_groups = [
            LogGroup(
                self,
                f"{log.title()}Logs",
                context=context,
                path="/aws/rds/instance",
                kind="database",
                stream_kind=f"/{log}",
            )
            for log in LOGS
        ]
        parameters = instance_parameters(
            self,
            context=context,
            family=config.family,
            description="TLS only; statements, connections, lock waits and temporary files logged",
            parameters=CONNECTION_PARAMETERS | INSTANCE_PARAMETERS,
        )
        self.instance = DbInstance(
            self,
            "Resource",
            identifier=context.name("database"),
            instance_class=config.instance_class,
            engine=ENGINE,
            engine_version=config.engine_version,
            auto_minor_version_upgrade=config.upgrades_minor_version,
            # A major version changes only with the configuration: it is a planned change.
            allow_major_version_upgrade=True,
            parameter_group_name=parameters.name,
            db_name=config.name,
            username=config.username,
            password_wo=secret.password,
            password_wo_version=secret.version,
            multi_az=config.multi_az,
            db_subnet_group_name=network.database_subnet_group.name,
            vpc_security_group_ids=[self.security_group.id],
            publicly_accessible=False,
            storage_type="gp3",
            allocated_storage=config.storage_gb,
            max_allocated_storage=config.maximum_storage_gb,
            backup_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            enabled_cloudwatch_logs_exports=[*LOGS],
            **common_arguments(config, key),
            **monitoring_arguments(role, key),
            tags=context.name_tag("database"),
            depends_on=[*(logs.group for logs in self.log_groups), *role.permissions],
        )
        self._suppress_checks()
        self.identifier = self.instance.identifier
        # The address of an attribute that differs in every new instance.
        self.identity = f"aws_db_instance.{self.instance.friendly_unique_id}.resource_id"
        self.address = self.instance.address
        secret.publish(self.address, replace_with=self.identity)

    @property
    def url(self) -> str:
        """The connection URL with the password, for write-only arguments only."""
        config = self._config
        password = Fn.urlencode(self._secret.password)
        return (
            f"postgresql://{config.username}:{password}@{self.address}:{PORT}/{config.name}"
            "?sslmode=require"
        )

    def _suppress_checks(self) -> None:
        suppress(
            self.instance,
            since="2026-11",
            reasons={
                "CKV_AWS_293": "Every environment stays destroyable; backups are kept instead"
            },
        )
        if not self._config.upgrades_minor_version:
            suppress(
                self.instance,
                since="2026-11",
                reasons={"CKV_AWS_226": "A pinned minor version: upgrades are planned changes"},
            )
        if not self._config.multi_az:
            suppress(
                self.instance,
                since="2026-11",
                reasons={"CKV_AWS_157": "The configuration has no standby in another zone"},
            )
