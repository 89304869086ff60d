"""TapStack: the Test Automation Platform."""

from __future__ import annotations

from cdktf import TerraformStack
from constructs import Construct

from lib.compute.packaging import PROJECT
from lib.data_processing.data_processing import DataProcessing, DataProcessingConfig
from lib.database import AuroraCluster, AuroraConfig, DatabaseSecret
from lib.monitoring.platform import MonitoringConfig, PlatformMonitoring
from lib.networking.network import Network
from lib.settings import Settings
from lib.stacks import STACKS
from lib.system import create_context, network_config
from lib.terraform import declare_outputs


class TapStack(TerraformStack):
    """Composes key, network, database, data processing and monitoring, and declares the outputs."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        context = create_context(
            self, settings=settings, spec=STACKS["tap"], region=settings.aws_region
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
        processing = DataProcessing(
            self,
            "DataProcessing",
            context=context,
            network=network,
            database=database,
            secret=secret,
            source=PROJECT / "lambda",
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
        if monitoring.trail:
            outputs["trail_arn"] = monitoring.trail.arn
        declare_outputs(self, outputs)


def _processing_config(settings: Settings) -> DataProcessingConfig:
    storage = settings.storage
    return DataProcessingConfig(
        **dict(settings.processing),
        infrequent_access_days=storage.infrequent_access_days,
        noncurrent_version_days=storage.noncurrent_version_days,
        incoming_expiration_days=storage.incoming_expiration_days,
        quarantine_expiration_days=storage.quarantine_expiration_days,
    )


def _monitoring_config(settings: Settings) -> MonitoringConfig:
    monitoring = settings.monitoring
    return MonitoringConfig(
        alarm_email=monitoring.alarm_email,
        trail=monitoring.trail,
        config_recorder=monitoring.config_recorder,
        exclude_cis_alarms=monitoring.cis_alarms_off,
        exclude_config_rules=monitoring.config_rules_off,
        function_timeout_seconds=settings.processing.timeout_seconds,
    )
