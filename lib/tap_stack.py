"""The Test Automation Platform as one unit of deployment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from lib import terraform
from lib.account import Account
from lib.data_processing import DataProcessing
from lib.database import AuroraCluster, DatabaseSecret
from lib.monitoring import Monitoring
from lib.networking import Network
from lib.security import EncryptionKey, RegionRestriction
from lib.settings import Settings
from lib.storage import AccessLogsBucket


class TapStack(TerraformStack):
    """Wires key, network, database, data processing and monitoring, and names the outputs."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        terraform.use_aws(self, settings)
        if settings.database.existing_secret_arn is None:
            terraform.use_random(self)
        terraform.keep_state_in_s3(self, settings)

        account = Account(self, "Account", settings=settings)
        key = EncryptionKey(self, "Key", settings=settings, account=account)
        restriction = RegionRestriction(self, "RegionRestriction", settings=settings)
        access_logs = AccessLogsBucket(
            self, "AccessLogs", settings=settings, account=account, key=key
        )
        network = Network(
            self, "Network", settings=settings, account=account, key=key, access_logs=access_logs
        )
        secret = DatabaseSecret(self, "DatabaseSecret", settings=settings, key=key)
        database = AuroraCluster(
            self,
            "Database",
            settings=settings,
            account=account,
            key=key,
            restriction=restriction,
            network=network,
            secret=secret,
        )
        processing = DataProcessing(
            self,
            "DataProcessing",
            settings=settings,
            account=account,
            key=key,
            restriction=restriction,
            network=network,
            access_logs=access_logs,
            database=database,
            secret=secret,
        )
        monitoring = Monitoring(
            self,
            "Monitoring",
            settings=settings,
            account=account,
            key=key,
            restriction=restriction,
            access_logs=access_logs,
            database=database,
            processing=processing,
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "data_bucket_name": processing.bucket.name,
            "access_logs_bucket_name": access_logs.name,
            "flow_logs_bucket_name": network.flow_logs.name,
            "kms_key_arn": key.arn,
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
