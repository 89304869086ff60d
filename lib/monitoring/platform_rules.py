"""Alarms of the Aurora cluster, the function and the queue, as tables."""

from __future__ import annotations

from lib.monitoring.alarms import AlarmRule
from lib.monitoring.databases import MEBIBYTE, database_rules
from lib.monitoring.metrics import Metrics


def aurora_rules(metrics: Metrics) -> tuple[AlarmRule, ...]:
    """Alarms of an Aurora cluster; thresholds suit small instances too.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    """
    cpu, memory, connections = database_rules(metrics)
    return (
        cpu,
        memory,
        metrics.rule(
            "local-storage",
            "Aurora has under 2 GiB of local storage for temporary files",
            "FreeLocalStorage",
            "Average",
            2048 * MEBIBYTE,
            comparison="LessThanThreshold",
            periods=3,
        ),
        connections,
        metrics.rule(
            "replica-lag",
            "A reader is over a second behind the writer",
            "AuroraReplicaLagMaximum",
            "Maximum",
            1000,
            periods=3,
        ),
        metrics.rule("deadlocks", "Transactions deadlock", "Deadlocks", "Sum", 0),
    )


def function_rules(metrics: Metrics, timeout_seconds: int) -> tuple[AlarmRule, ...]:
    """Alarms of a function; durations are in milliseconds."""
    return (
        metrics.rule("errors", "The data processor failed", "Errors", "Sum", 0),
        metrics.rule("throttles", "The data processor was throttled", "Throttles", "Sum", 0),
        metrics.rule(
            "duration",
            "The data processor takes over 80 % of its timeout",
            "Duration",
            "p95",
            timeout_seconds * 1000 * 0.8,
        ),
    )


def queue_rules(
    metrics: Metrics, dead_letter_metrics: Metrics, visibility_timeout_seconds: int
) -> tuple[AlarmRule, ...]:
    """Alarms of a queue and its dead-letter queue; ages are in seconds.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    return (
        # One visibility timeout: a message whose second attempt succeeds is deleted within three
        # periods. SQS excludes messages that were received three times from this metric.
        metrics.rule(
            "age",
            "Results wait for longer than an attempt takes: too few runs for what comes in, or"
            " runs that fail",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            visibility_timeout_seconds,
            periods=3,
        ),
        # NumberOfMessagesSent does not count messages that SQS moves.
        dead_letter_metrics.rule(
            "dead-letters",
            "Results could not be processed and lie among the dead letters",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            0,
        ),
    )


def report_rules(environment: str) -> tuple[AlarmRule, ...]:
    """Alarms of metrics that lambda/data_processor.py publishes.

    A message whose report failed returns to the queue, and Lambda counts no error.
    """
    return (
        AlarmRule(
            name="results-failing",
            meaning="Results fail for 10 minutes, as when the database is away; they are tried"
            " again",
            namespace="TestResults",
            metric="ReportsFailed",
            statistic="Sum",
            threshold=0,
            periods=2,
            dimensions={"service": "data-processor", "environment": environment},
        ),
    )
