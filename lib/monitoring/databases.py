"""Alarms, graphs and events of a database of either engine; thresholds suit small instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdktf_cdktf_provider_aws.db_event_subscription import DbEventSubscription
from constructs import Construct

from lib.context import Context
from lib.monitoring.alarms import AlarmRule
from lib.monitoring.dashboard import Graph
from lib.monitoring.metrics import Metrics
from lib.monitoring.notifications import AlarmTopic

MEBIBYTE = 1024 * 1024
# The event categories of each source type that an operator must know of; AWS Security Hub requires
# maintenance and failure, for instances also configuration change (RDS.19 and RDS.20).
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
EVENT_CATEGORIES = {
    "db-cluster": ("failover", "failure", "maintenance", "notification"),
    "db-instance": (
        *("availability", "configuration change", "failover", "failure", "low storage"),
        *("maintenance", "notification", "recovery"),
    ),
}


class DatabaseEvents(Construct):
    """Creates the subscriptions that send events of RDS to the alarm topic.

    `sources` are the identifiers of the clusters and instances by their source type (`db-cluster`,
    `db-instance`). Events are failures, failovers, low storage, maintenance and others of
    `EVENT_CATEGORIES`; RDS sends them within minutes, and without a guarantee.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        topic: AlarmTopic,
        sources: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(scope, id_)
        self.subscriptions = [
            DbEventSubscription(
                self,
                source_type.removeprefix("db-").title(),
                name=context.name(f"{source_type}-events"),
                sns_topic=topic.arn,
                source_type=source_type,
                source_ids=[*identifiers],
                event_categories=[*EVENT_CATEGORIES[source_type]],
                tags=context.name_tag(f"{source_type}-events"),
                # RDS verifies that it may publish to the topic.
                depends_on=[topic.policy],
            )
            for source_type, identifiers in sources.items()
        ]


def database_rules(metrics: Metrics) -> tuple[AlarmRule, AlarmRule, AlarmRule]:
    """Alarms of CPU in percent, free memory in bytes, and connections.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    """
    return (
        metrics.rule(
            "cpu",
            f"{metrics.title}'s CPU is over 80 % for 15 minutes",
            "CPUUtilization",
            "Average",
            80,
            periods=3,
        ),
        metrics.rule(
            "memory",
            f"{metrics.title} has under 256 MiB of free memory",
            "FreeableMemory",
            "Average",
            256 * MEBIBYTE,
            comparison="LessThanThreshold",
            periods=3,
        ),
        metrics.rule(
            "connections",
            f"{metrics.title} has over 300 connections",
            "DatabaseConnections",
            "Average",
            300,
            periods=3,
        ),
    )


def database_graphs(metrics: Metrics) -> tuple[Graph, ...]:
    """Graphs of CPU, free memory and connections."""
    return (
        metrics.graph("CPU, %", ("CPUUtilization", "Average")),
        metrics.graph("connections", ("DatabaseConnections", "Maximum")),
        metrics.graph("free memory, bytes", ("FreeableMemory", "Minimum")),
    )
