"""What is watched at Aurora, function and queue: tables of alarms."""

from __future__ import annotations

from typing import Literal

from lib.monitoring.alarms import AlarmRule

MEBIBYTE = 1024 * 1024


def aurora_rules(cluster_identifier: str) -> tuple[AlarmRule, ...]:
    """What is watched at the Aurora cluster; thresholds hold for small instances too.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    """

    def rule(
        name: str,
        meaning: str,
        metric: str,
        threshold: float,
        *,
        statistic: str = "Average",
        comparison: Literal["GreaterThanThreshold", "LessThanThreshold"] = "GreaterThanThreshold",
        periods: int = 3,
    ) -> AlarmRule:
        return AlarmRule(
            name=f"aurora-{name}",
            meaning=meaning,
            namespace="AWS/RDS",
            metric=metric,
            statistic=statistic,
            comparison=comparison,
            threshold=threshold,
            periods=periods,
            dimensions={"DBClusterIdentifier": cluster_identifier},
        )

    return (
        rule("cpu", "Aurora's CPU is over 80 % for 15 minutes", "CPUUtilization", 80),
        rule(
            "memory",
            "Aurora has under 256 MiB of free memory",
            "FreeableMemory",
            256 * MEBIBYTE,
            comparison="LessThanThreshold",
        ),
        rule(
            "local-storage",
            "Aurora has under 2 GiB of local storage for temporary files",
            "FreeLocalStorage",
            2048 * MEBIBYTE,
            comparison="LessThanThreshold",
        ),
        rule("connections", "Aurora has over 300 connections", "DatabaseConnections", 300),
        rule(
            "replica-lag",
            "A reader is over a second behind the writer",
            "AuroraReplicaLagMaximum",
            1000,
            statistic="Maximum",
        ),
        rule("deadlocks", "Transactions deadlock", "Deadlocks", 0, statistic="Sum", periods=1),
    )


def function_rules(function_name: str, timeout_seconds: int) -> tuple[AlarmRule, ...]:
    """What is watched at a function; durations are in milliseconds."""

    def rule(name: str, meaning: str, metric: str, statistic: str, threshold: float) -> AlarmRule:
        return AlarmRule(
            name=f"data-processor-{name}",
            meaning=meaning,
            namespace="AWS/Lambda",
            metric=metric,
            statistic=statistic,
            threshold=threshold,
            dimensions={"FunctionName": function_name},
        )

    return (
        rule("errors", "The data processor failed", "Errors", "Sum", 0),
        rule("throttles", "The data processor was throttled", "Throttles", "Sum", 0),
        rule(
            "duration",
            "The data processor takes over 80 % of its timeout",
            "Duration",
            "p95",
            timeout_seconds * 1000 * 0.8,
        ),
    )


def queue_rules(
    queue_name: str, dead_letters_name: str, visibility_timeout_seconds: int
) -> tuple[AlarmRule, ...]:
    """What is watched at a queue and its dead letters; ages are in seconds.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """

    def rule(
        name: str, meaning: str, metric: str, threshold: float, queue: str, periods: int
    ) -> AlarmRule:
        return AlarmRule(
            name=f"results-{name}",
            meaning=meaning,
            namespace="AWS/SQS",
            metric=metric,
            statistic="Maximum",
            threshold=threshold,
            periods=periods,
            dimensions={"QueueName": queue},
        )

    return (
        # One visibility timeout: a message whose second attempt succeeds is gone before three
        # periods are over. It may not be much more, as SQS leaves out of this metric what was
        # received three times.
        rule(
            "age",
            "Results wait for longer than an attempt takes: too few runs for what comes in, or"
            " runs that fail",
            "ApproximateAgeOfOldestMessage",
            visibility_timeout_seconds,
            queue_name,
            3,
        ),
        # Not NumberOfMessagesSent, which does not count what SQS itself moves there.
        rule(
            "dead-letters",
            "Results could not be processed and lie among the dead letters",
            "ApproximateNumberOfMessagesVisible",
            0,
            dead_letters_name,
            1,
        ),
    )


def report_rules(environment: str) -> tuple[AlarmRule, ...]:
    """What the function itself counts, under the names that lambda/data_processor.py gives it.

    A report that fails goes back to the queue alone, and Lambda counts no error.
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
