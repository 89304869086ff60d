"""Alarms and graphs of a database of either engine; thresholds suit small instances too."""

from __future__ import annotations

from lib.monitoring.alarms import AlarmRule
from lib.monitoring.dashboard import Graph
from lib.monitoring.metrics import Metrics

MEBIBYTE = 1024 * 1024


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
