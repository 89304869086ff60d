"""Arguments, parameters and the monitoring role that both database engines share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict, TypeVar

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.db_parameter_group import (
    DbParameterGroup,
    DbParameterGroupParameter,
)
from constructs import Construct

from lib.context import Context
from lib.database.config import DatabaseConfig
from lib.database.secret import PORT
from lib.security.key import Key
from lib.security.roles import ServiceRole

ENHANCED_MONITORING_SECONDS = 60
PERFORMANCE_INSIGHTS_DAYS = 7
BACKUP_WINDOW = "02:00-03:00"
MAINTENANCE_WINDOW = "sun:04:00-sun:05:00"

# rds.force_ssl is 0 unless set, up to major version 14 of RDS and 16 of Aurora.
CONNECTION_PARAMETERS = {
    "rds.force_ssl": "1",
    "log_statement": "ddl",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_min_duration_statement": "1000",
}
# Aurora has these parameters at the instances and those above at the cluster.
INSTANCE_PARAMETERS = {"log_lock_waits": "1", "log_temp_files": "1024"}


Block = TypeVar("Block")


class CommonArguments(TypedDict):
    """Arguments of encryption, backup and deletion."""

    port: int
    iam_database_authentication_enabled: bool
    storage_encrypted: bool
    kms_key_id: str
    backup_retention_period: int
    copy_tags_to_snapshot: bool
    apply_immediately: bool
    skip_final_snapshot: bool
    deletion_protection: bool


def common_arguments(config: DatabaseConfig, key: Key) -> CommonArguments:
    """Arguments of a cluster or an instance for encryption, backup and deletion.

    The database stays destroyable: no deletion protection and no final snapshot.
    """
    return {
        "port": PORT,
        "iam_database_authentication_enabled": True,
        "storage_encrypted": True,
        "kms_key_id": key.arn,
        "backup_retention_period": config.backup_retention_days,
        "copy_tags_to_snapshot": True,
        # Changes are applied with the reviewed plan, not in the next maintenance window.
        "apply_immediately": True,
        "skip_final_snapshot": True,
        "deletion_protection": False,
    }


class MonitoringArguments(TypedDict):
    """Arguments of Enhanced Monitoring and Performance Insights."""

    monitoring_interval: int
    monitoring_role_arn: str
    performance_insights_enabled: bool
    performance_insights_kms_key_id: str
    performance_insights_retention_period: int


def monitoring_arguments(role: MonitoringRole, key: Key) -> MonitoringArguments:
    """Arguments of an instance for Enhanced Monitoring and Performance Insights."""
    return {
        "monitoring_interval": ENHANCED_MONITORING_SECONDS,
        "monitoring_role_arn": role.arn,
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key.arn,
        "performance_insights_retention_period": PERFORMANCE_INSIGHTS_DAYS,
    }


class MonitoringRole(ServiceRole):
    """Creates the role with which RDS delivers Enhanced Monitoring metrics.

    RDS writes them to the log group RDSOSMetrics of the account.
    """

    def __init__(self, scope: Construct, id_: str, *, context: Context) -> None:
        super().__init__(
            scope,
            id_,
            context=context,
            kind="rds-monitoring-role",
            assumed_by="monitoring.rds",
            description="Lets RDS deliver Enhanced Monitoring metrics to CloudWatch Logs",
            managed_policy="service-role/AmazonRDSEnhancedMonitoringRole",
            require_source_account=True,
        )


def parameter_blocks(block: Callable[..., Block], parameters: Mapping[str, str]) -> list[Block]:
    """The blocks of a parameter group; all parameters take effect without a restart."""
    return [
        block(name=name, value=value, apply_method="immediate")
        for name, value in parameters.items()
    ]


def instance_parameters(
    scope: Construct,
    *,
    context: Context,
    family: str,
    description: str,
    parameters: Mapping[str, str],
) -> DbParameterGroup:
    """Create the parameter group of a construct's instances."""
    return DbParameterGroup(
        scope,
        "InstanceParameters",
        # The family is in the name: an upgrade needs the old group until the new one is used.
        name=context.name(f"{family}-instance-parameters"),
        family=family,
        description=description,
        parameter=parameter_blocks(DbParameterGroupParameter, parameters),
        lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        tags=context.name_tag("instance-parameters"),
    )
