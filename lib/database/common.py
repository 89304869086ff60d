"""Databases: what both engines are told alike, who watches them, and what they log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict, TypeVar

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.db_parameter_group import (
    DbParameterGroup,
    DbParameterGroupParameter,
)
from constructs import Construct

from lib.context import Foundation
from lib.database.secret import PORT
from lib.security.key import EncryptionKey
from lib.security.roles import ServiceRole
from lib.settings import DatabaseFields, Settings

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
# Aurora has these at each instance, and those above at the cluster.
INSTANCE_PARAMETERS = {"log_lock_waits": "1", "log_temp_files": "1024"}


Row = TypeVar("Row")


class Durability(TypedDict):
    """How a database keeps its data, and how it is taken down."""

    port: int
    iam_database_authentication_enabled: bool
    storage_encrypted: bool
    kms_key_id: str
    backup_retention_period: int
    copy_tags_to_snapshot: bool
    apply_immediately: bool
    skip_final_snapshot: bool
    deletion_protection: bool


def durability(database: DatabaseFields, key: EncryptionKey) -> Durability:
    """The arguments by which a cluster or a single instance is encrypted, backed up and taken down.

    It stays destroyable: no deletion protection and no final snapshot.
    """
    return {
        "port": PORT,
        "iam_database_authentication_enabled": True,
        "storage_encrypted": True,
        "kms_key_id": key.arn,
        "backup_retention_period": database.backup_retention_days,
        "copy_tags_to_snapshot": True,
        # What a reviewed plan says happens now, not in the next maintenance window.
        "apply_immediately": True,
        "skip_final_snapshot": True,
        "deletion_protection": False,
    }


class Observation(TypedDict):
    """How an instance is watched."""

    monitoring_interval: int
    monitoring_role_arn: str
    performance_insights_enabled: bool
    performance_insights_kms_key_id: str
    performance_insights_retention_period: int


def observation(role: MonitoringRole, key: EncryptionKey) -> Observation:
    """The arguments by which an instance has Enhanced Monitoring and Performance Insights."""
    return {
        "monitoring_interval": ENHANCED_MONITORING_SECONDS,
        "monitoring_role_arn": role.arn,
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key.arn,
        "performance_insights_retention_period": PERFORMANCE_INSIGHTS_DAYS,
    }


class MonitoringRole(ServiceRole):
    """Creates the role by which RDS delivers Enhanced Monitoring.

    The metrics go where RDS puts them, the account's log group RDSOSMetrics.
    """

    def __init__(self, scope: Construct, id_: str, *, foundation: Foundation) -> None:
        super().__init__(
            scope,
            id_,
            foundation=foundation,
            kind="rds-monitoring-role",
            assumed_by="monitoring.rds",
            description="Lets RDS deliver Enhanced Monitoring metrics to CloudWatch Logs",
            managed_policy="service-role/AmazonRDSEnhancedMonitoringRole",
            guard_deputy=True,
        )


def rows(row: Callable[..., Row], parameters: Mapping[str, str]) -> list[Row]:
    """Parameters as the rows of a parameter group; all take effect without a restart."""
    return [
        row(name=name, value=value, apply_method="immediate") for name, value in parameters.items()
    ]


def instance_parameters(
    scope: Construct,
    *,
    settings: Settings,
    family: str,
    description: str,
    parameters: Mapping[str, str],
) -> DbParameterGroup:
    """Create the parameter group of a construct's instances."""
    return DbParameterGroup(
        scope,
        "InstanceParameters",
        # The family is in the name, as an upgrade needs the old group until the new one is on.
        name=settings.name(f"{family}-instance-parameters"),
        family=family,
        description=description,
        parameter=rows(DbParameterGroupParameter, parameters),
        lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        tags=settings.name_tag("instance-parameters"),
    )
