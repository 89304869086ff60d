"""The Test Automation Platform as one unit of deployment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from lib import terraform
from lib.context import Foundation
from lib.data_processing.data_processing import DataProcessing
from lib.database import AuroraCluster, DatabaseSecret
from lib.monitoring.platform import PlatformMonitoring
from lib.networking.network import Network
from lib.settings import Settings


class TapStack(TerraformStack):
    """Wires key, network, database, data processing and monitoring, and names the outputs."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        foundation = Foundation.build(
            self,
            settings=settings,
            key_used_through=("s3", "secretsmanager", "rds", "lambda", "sns", "sqs"),
            key_kept_by=("rds", "lambda"),
        )
        if settings.database.existing_secret_arn is None:
            terraform.use_random(self)
        network = Network(self, "Network", foundation=foundation, plan=settings.network)
        secret = DatabaseSecret(
            self, "DatabaseSecret", foundation=foundation, database=settings.database
        )
        database = AuroraCluster(
            self, "Database", foundation=foundation, network=network, secret=secret
        )
        processing = DataProcessing(
            self,
            "DataProcessing",
            foundation=foundation,
            network=network,
            database=database,
            secret=secret,
        )
        monitoring = PlatformMonitoring(
            self, "Monitoring", foundation=foundation, database=database, processing=processing
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "data_bucket_name": processing.bucket.name,
            "access_logs_bucket_name": foundation.access_logs.name,
            "flow_logs_bucket_name": network.flow_logs.name,
            "kms_key_arn": foundation.key.arn,
            "aurora_cluster_id": database.cluster.cluster_identifier,
            "aurora_cluster_endpoint": database.cluster.endpoint,
            "aurora_reader_endpoint": database.cluster.reader_endpoint,
            "aurora_database_name": database.cluster.database_name,
            "database_secret_arn": secret.arn,
            "function_name": processing.function.function_name,
            "function_arn": processing.function.arn,
            "queue_url": processing.queue.url,
            "queue_arn": processing.queue.arn,
            "dead_letter_queue_url": processing.queue.dead_letters.url,
            "dead_letter_queue_arn": processing.queue.dead_letters.arn,
            "alarm_topic_arn": monitoring.topic.arn,
            "dashboard_name": monitoring.dashboard.dashboard_name,
        }
        if monitoring.audit_logs:
            outputs["audit_bucket_name"] = monitoring.audit_logs.name
        if monitoring.trail:
            outputs["trail_arn"] = monitoring.trail.arn
        for name, value in outputs.items():
            TerraformOutput(self, name, value=value)
