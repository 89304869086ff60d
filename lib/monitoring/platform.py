"""What watches the Test Automation Platform."""

from __future__ import annotations

from constructs import Construct

from lib.context import Foundation
from lib.data_processing.data_processing import DataProcessing
from lib.database import AuroraCluster
from lib.monitoring.alarms import Alarm
from lib.monitoring.cis import CisAlarms
from lib.monitoring.compliance import ConfigCompliance
from lib.monitoring.dashboard import Dashboard, Graph
from lib.monitoring.databases import database_graphs
from lib.monitoring.findings import Findings
from lib.monitoring.metrics import Metrics
from lib.monitoring.notifications import AlarmTopic
from lib.monitoring.platform_rules import (
    aurora_rules,
    function_rules,
    queue_rules,
    report_rules,
)
from lib.monitoring.trail import Trail
from lib.storage.bucket import Retention, SecureBucket


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
        queue = processing.queue
        of_cluster = Metrics(
            "aurora",
            "Aurora",
            "AWS/RDS",
            {"DBClusterIdentifier": database.cluster.cluster_identifier},
        )
        of_function = Metrics(
            "data-processor",
            "Data processor",
            "AWS/Lambda",
            {"FunctionName": processing.function.function_name},
        )
        of_queue = Metrics("results", "Queue", "AWS/SQS", {"QueueName": queue.queue.name})
        of_dead_letters = Metrics(
            "results", "Queue", "AWS/SQS", {"QueueName": queue.dead_letters.name}
        )
        for rule in (
            *aurora_rules(of_cluster),
            *function_rules(of_function, settings.processing.timeout_seconds),
            *report_rules(settings.environment_suffix),
            *queue_rules(of_queue, of_dead_letters, queue.visibility_timeout_seconds),
        ):
            alarms.append(Alarm(self, rule.name, settings=settings, topic=self.topic, rule=rule))
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            settings=settings,
            kind="tap-dashboard",
            alarms=alarms,
            graphs=_graphs(of_cluster, of_function, of_queue, of_dead_letters),
        ).dashboard


def _graphs(
    of_cluster: Metrics, of_function: Metrics, of_queue: Metrics, of_dead_letters: Metrics
) -> tuple[Graph, ...]:
    visible, in_work = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
    return (
        *database_graphs(of_cluster),
        of_cluster.graph(
            "latency, ms", ("CommitLatency", "Average"), ("AuroraReplicaLagMaximum", "Maximum")
        ),
        of_function.graph("runs", ("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum")),
        of_function.graph(
            "duration, ms", ("Duration", "p50"), ("Duration", "p95"), ("Duration", "Maximum")
        ),
        of_queue.graph("messages waiting and in work", (visible, "Maximum"), (in_work, "Maximum")),
        of_queue.graph(
            "age of the oldest message, s", ("ApproximateAgeOfOldestMessage", "Maximum")
        ),
        of_queue.graph(
            "messages in and out",
            ("NumberOfMessagesSent", "Sum"),
            ("NumberOfMessagesDeleted", "Sum"),
        ),
        of_dead_letters.graph("dead letters", (visible, "Maximum")),
    )
