"""Monitoring of the Test Automation Platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from constructs import Construct

from lib.context import Context
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


@dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    """Configuration of `PlatformMonitoring`.

    `trail` includes the CIS alarms, which require a trail; `config_recorder` includes the AWS
    Config rules. An account may have one recorder per Region. `exclude_cis_alarms` contains the
    numbers after "4.", `exclude_config_rules` names of `CONFIG_RULES`.
    """

    alarm_email: str | None = None
    trail: bool = True
    config_recorder: bool = True
    exclude_cis_alarms: Collection[int] = ()
    exclude_config_rules: Collection[str] = ()
    function_timeout_seconds: int = 300


class PlatformMonitoring(Construct):
    """Creates the alarm topic, the alarms of account, database and function, and the dashboard.

    The audit bucket receives the logs of the trail and the AWS Config recorder.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        database: AuroraCluster,
        processing: DataProcessing,
        config: MonitoringConfig,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = AlarmTopic(self, "Topic", context=context, email=config.alarm_email)
        alarms: list[Alarm] = []
        self.audit_logs: SecureBucket | None = None
        self.trail: Trail | None = None
        if config.trail or config.config_recorder:
            self.audit_logs = SecureBucket(
                self,
                "Audit",
                context=context,
                kind="audit-logs",
                # CloudTrail passes the trail as encryption context. The AWS documentation is not
                # consistent about the encryption of digest files.
                bucket_key=False,
                encrypting_service="cloudtrail",
                retention=Retention.for_logs(context.log_retention),
            )
            self.audit_logs.require_mfa_for_deletion()
        if self.audit_logs and config.trail:
            self.trail = Trail(
                self,
                "Trail",
                context=context,
                bucket=self.audit_logs,
            )
            alarms += CisAlarms(
                self,
                "Cis",
                context=context,
                log_group_name=self.trail.log_group.name,
                topic=self.topic,
                exclude=config.exclude_cis_alarms,
            ).alarms
        if self.audit_logs and config.config_recorder:
            ConfigCompliance(
                self,
                "Config",
                context=context,
                bucket=self.audit_logs,
                exclude=config.exclude_config_rules,
            )
        alarms += Findings(self, "Findings", context=context, topic=self.topic).alarms
        queue = processing.queue
        cluster_metrics = Metrics(
            "aurora",
            "Aurora",
            "AWS/RDS",
            {"DBClusterIdentifier": database.cluster.cluster_identifier},
        )
        function_metrics = Metrics(
            "data-processor",
            "Data processor",
            "AWS/Lambda",
            {"FunctionName": processing.function.function_name},
        )
        queue_metrics = Metrics("results", "Queue", "AWS/SQS", {"QueueName": queue.queue.name})
        dead_letter_metrics = Metrics(
            "results", "Queue", "AWS/SQS", {"QueueName": queue.dead_letter_queue.name}
        )
        for rule in (
            *aurora_rules(cluster_metrics),
            *function_rules(function_metrics, config.function_timeout_seconds),
            *report_rules(context.naming.suffix),
            *queue_rules(queue_metrics, dead_letter_metrics, queue.visibility_timeout_seconds),
        ):
            alarms.append(Alarm(self, rule.name, context=context, topic=self.topic, rule=rule))
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            context=context,
            kind="tap-dashboard",
            alarms=alarms,
            graphs=_graphs(cluster_metrics, function_metrics, queue_metrics, dead_letter_metrics),
        ).dashboard


def _graphs(
    cluster_metrics: Metrics,
    function_metrics: Metrics,
    queue_metrics: Metrics,
    dead_letter_metrics: Metrics,
) -> tuple[Graph, ...]:
    visible, in_work = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
    return (
        *database_graphs(cluster_metrics),
        cluster_metrics.graph(
            "latency, ms", ("CommitLatency", "Average"), ("AuroraReplicaLagMaximum", "Maximum")
        ),
        function_metrics.graph(
            "runs", ("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum")
        ),
        function_metrics.graph(
            "duration, ms", ("Duration", "p50"), ("Duration", "p95"), ("Duration", "Maximum")
        ),
        queue_metrics.graph(
            "messages waiting and in work", (visible, "Maximum"), (in_work, "Maximum")
        ),
        queue_metrics.graph(
            "age of the oldest message, s", ("ApproximateAgeOfOldestMessage", "Maximum")
        ),
        queue_metrics.graph(
            "messages in and out",
            ("NumberOfMessagesSent", "Sum"),
            ("NumberOfMessagesDeleted", "Sum"),
        ),
        dead_letter_metrics.graph("dead letters", (visible, "Maximum")),
    )
