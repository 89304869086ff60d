"""TapStack: the Test Automation Platform."""

from __future__ import annotations

from pathlib import Path

from cdktf import TerraformStack
from constructs import Construct

from lib.compute.packaging import PROJECT
from lib.data_processing.data_processing import DataProcessing, DataProcessingConfig
from lib.database import AuroraCluster, AuroraConfig, DatabaseAdministrator, DatabaseSecret
from lib.monitoring.platform import MonitoringConfig, PlatformMonitoring
from lib.networking.network import Network
from lib.settings import Settings
from lib.stacks import STACKS
from lib.system import (
    alarm_receivers,
    create_context,
    create_deletion_role,
    network_config,
)
from lib.terraform import declare_outputs

FUNCTION_SOURCE = PROJECT / "lambda"


class TapStack(TerraformStack):
    """Composes key, network, database, data processing and monitoring, and declares the outputs."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        context = create_context(
            self,
            settings=settings,
            spec=STACKS["tap"],
            region=settings.aws_region,
            backup_retention_days=settings.database.backup_retention_days,
        )
        network = Network(self, "Network", context=context, config=network_config(settings.network))
        database_config = AuroraConfig(**dict(settings.database))
        secret = DatabaseSecret(self, "DatabaseSecret", context=context, config=database_config)
        database = AuroraCluster(
            self,
            "Database",
            context=context,
            network=network,
            secret=secret,
            config=database_config,
        )
        administrator = DatabaseAdministrator(
            self,
            "DatabaseAdministrator",
            context=context,
            network=network,
            database_id=database.cluster.cluster_resource_id,
            database_name=database.cluster.database_name,
            host=database.cluster.endpoint,
            database_security_group=database.security_group,
            secret=secret,
            source=FUNCTION_SOURCE,
            rotation_days=database_config.rotation_days,
            ca_bundle=_ca_bundle(settings),
            log_level=settings.processing.log_level,
            depends_on=database.instances,
        )
        processing = DataProcessing(
            self,
            "DataProcessing",
            context=context,
            network=network,
            database=database,
            administrator=administrator,
            source=FUNCTION_SOURCE,
            config=_processing_config(settings),
        )
        monitoring = PlatformMonitoring(
            self,
            "Monitoring",
            context=context,
            database=database,
            processing=processing,
            config=_monitoring_config(settings),
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "data_bucket_name": processing.bucket.name,
            "flow_logs_bucket_name": network.flow_logs.name,
            "kms_key_arn": context.key.arn,
            "aurora_cluster_id": database.cluster.cluster_identifier,
            "aurora_cluster_endpoint": database.cluster.endpoint,
            "aurora_reader_endpoint": database.cluster.reader_endpoint,
            "aurora_database_name": database.cluster.database_name,
            "database_secret_arn": secret.arn,
            "database_administrator_name": administrator.function.function_name,
            "function_name": processing.function.function_name,
            "function_arn": processing.function.arn,
            "queue_url": processing.queue.url,
            "queue_arn": processing.queue.arn,
            "dead_letter_queue_url": processing.queue.dead_letter_queue.url,
            "dead_letter_queue_arn": processing.queue.dead_letter_queue.arn,
            "alarm_topic_arn": monitoring.topic.arn,
            "dashboard_name": monitoring.dashboard.dashboard_name,
        }
        if context.access_logs:
            outputs["access_logs_bucket_name"] = context.access_logs.name
        if monitoring.audit_logs:
            outputs["audit_bucket_name"] = monitoring.audit_logs.name
        if monitoring.config_logs:
            outputs["config_bucket_name"] = monitoring.config_logs.name
        if monitoring.trail:
            outputs["trail_arn"] = monitoring.trail.arn
        if deletion_role := create_deletion_role(self, settings=settings, context=context):
            outputs["deletion_role_arn"] = deletion_role.arn
        declare_outputs(self, outputs)


def _ca_bundle(settings: Settings) -> str | Path | None:
    """A path in the file system of the functions, or a file of this project."""
    bundle = settings.processing.database_ca_bundle
    return bundle if bundle is None or bundle.startswith("/") else PROJECT / bundle


def _processing_config(settings: Settings) -> DataProcessingConfig:
    storage = settings.storage
    return DataProcessingConfig(
        **dict(settings.processing) | {"database_ca_bundle": _ca_bundle(settings)},
        infrequent_access_days=storage.infrequent_access_days,
        noncurrent_version_days=storage.noncurrent_version_days,
        incoming_expiration_days=storage.incoming_expiration_days,
        quarantine_expiration_days=storage.quarantine_expiration_days,
    )


def _monitoring_config(settings: Settings) -> MonitoringConfig:
    monitoring = settings.monitoring
    return MonitoringConfig(
        receivers=alarm_receivers(settings),
        trail=monitoring.trail,
        audit_lock_days=monitoring.audit_lock_days,
        s3_data_events=monitoring.s3_data_events,
        lambda_data_events=monitoring.lambda_data_events,
        config_recorder=monitoring.config_recorder,
        exclude_cis_alarms=monitoring.cis_alarms_off,
        exclude_config_rules=monitoring.config_rules_off,
        function_timeout_seconds=settings.processing.timeout_seconds,
    )
