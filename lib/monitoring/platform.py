"""What watches the Test Automation Platform."""

from __future__ import annotations

from constructs import Construct

from lib.data_processing import DataProcessing
from lib.database import AuroraCluster
from lib.foundation import Foundation
from lib.monitoring.alarms import Alarm
from lib.monitoring.cis import CisAlarms
from lib.monitoring.compliance import ConfigCompliance
from lib.monitoring.dashboard import Dashboard, Graph
from lib.monitoring.findings import Findings
from lib.monitoring.notifications import AlarmTopic
from lib.monitoring.platform_rules import (
    aurora_rules,
    function_rules,
    queue_rules,
    report_rules,
)
from lib.monitoring.trail import Trail
from lib.storage import Retention, SecureBucket


class PlatformMonitoring(Construct):
    """Creates the alarm topic and all that watches: the account, the database, the function.

    What an account may have only once goes by a switch: `monitoring.trail` (with the CIS alarms,
    which see nothing without it) and `monitoring.config_recorder` (with its rules). The audit
    bucket holds what both deliver.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        database: AuroraCluster,
        processing: DataProcessing,
    ) -> None:
        super().__init__(scope, id_)
        settings = foundation.settings
        self.topic = AlarmTopic(self, "Topic", foundation=foundation)
        alarms: list[Alarm] = []
        self.audit_logs: SecureBucket | None = None
        self.trail: Trail | None = None
        if settings.monitoring.trail or settings.monitoring.config_recorder:
            self.audit_logs = SecureBucket(
                self,
                "Audit",
                settings=settings,
                account=foundation.account,
                kind="audit-logs",
                key=foundation.key,
                # CloudTrail's use of the key is tied to the trail, and its digest files may come
                # under SSE-S3: AWS's documents differ.
                bucket_key=False,
                own_encryption="cloudtrail",
                access_logs=foundation.access_logs,
                retention=Retention.of_logs(settings),
            )
            self.audit_logs.require_mfa_for_deletion()
        if self.audit_logs and settings.monitoring.trail:
            self.trail = Trail(
                self,
                "Trail",
                foundation=foundation,
                bucket=self.audit_logs,
            )
            alarms += CisAlarms(
                self, "Cis", settings=settings, log_group=self.trail.log_group, topic=self.topic
            ).alarms
        if self.audit_logs and settings.monitoring.config_recorder:
            ConfigCompliance(
                self,
                "Config",
                foundation=foundation,
                bucket=self.audit_logs,
            )
        alarms += Findings(self, "Findings", settings=settings, topic=self.topic).alarms
        cluster_identifier = database.cluster.cluster_identifier
        function_name = processing.function.function_name
        queue_name = processing.queue.queue.name
        dead_letters_name = processing.queue.dead_letters.name
        for rule in (
            *aurora_rules(cluster_identifier),
            *function_rules(function_name, settings.processing.timeout_seconds),
            *report_rules(settings.environment_suffix),
            *queue_rules(
                queue_name, dead_letters_name, processing.queue.visibility_timeout_seconds
            ),
        ):
            alarms.append(Alarm(self, rule.name, settings=settings, topic=self.topic, rule=rule))
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            settings=settings,
            alarms=alarms,
            graphs=_graphs(cluster_identifier, function_name, queue_name, dead_letters_name),
        ).dashboard


def _graphs(cluster: str, function: str, queue: str, dead_letters: str) -> tuple[Graph, ...]:
    of_cluster, of_function = {"DBClusterIdentifier": cluster}, {"FunctionName": function}
    of_queue, of_dead_letters = {"QueueName": queue}, {"QueueName": dead_letters}
    visible, in_work = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
    rds, lambda_, sqs = "AWS/RDS", "AWS/Lambda", "AWS/SQS"
    return (
        Graph("Aurora: CPU, %", rds, of_cluster, [("CPUUtilization", "Average")]),
        Graph("Aurora: connections", rds, of_cluster, [("DatabaseConnections", "Maximum")]),
        Graph("Aurora: free memory, bytes", rds, of_cluster, [("FreeableMemory", "Minimum")]),
        Graph(
            "Aurora: latency, ms",
            rds,
            of_cluster,
            [("CommitLatency", "Average"), ("AuroraReplicaLagMaximum", "Maximum")],
        ),
        Graph(
            "Data processor: runs",
            lambda_,
            of_function,
            [("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum")],
        ),
        Graph(
            "Data processor: duration, ms",
            lambda_,
            of_function,
            [("Duration", "p50"), ("Duration", "p95"), ("Duration", "Maximum")],
        ),
        Graph(
            "Queue: messages waiting and in work",
            sqs,
            of_queue,
            [(visible, "Maximum"), (in_work, "Maximum")],
        ),
        Graph(
            "Queue: age of the oldest message, s",
            sqs,
            of_queue,
            [("ApproximateAgeOfOldestMessage", "Maximum")],
        ),
        Graph(
            "Queue: messages in and out",
            sqs,
            of_queue,
            [("NumberOfMessagesSent", "Sum"), ("NumberOfMessagesDeleted", "Sum")],
        ),
        Graph("Queue: dead letters", sqs, of_dead_letters, [(visible, "Maximum")]),
    )
