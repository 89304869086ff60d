"""Alarms and graphs of a database of either engine; thresholds suit small instances too."""

from __future__ import annotations

from lib.monitoring.alarms import AlarmRule
from lib.monitoring.dashboard import Graph
from lib.monitoring.metrics import Metrics

MEBIBYTE = 1024 * 1024


def database_rules(of: Metrics) -> tuple[AlarmRule, AlarmRule, AlarmRule]:
    """Alarms of CPU in percent, free memory in bytes, and connections.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    """
    return (
        of.rule(
            "cpu",
            f"{of.title}'s CPU is over 80 % for 15 minutes",
            "CPUUtilization",
            "Average",
            80,
            periods=3,
        ),
        of.rule(
            "memory",
            f"{of.title} has under 256 MiB of free memory",
            "FreeableMemory",
            "Average",
            256 * MEBIBYTE,
            comparison="LessThanThreshold",
            periods=3,
        ),
        of.rule(
            "connections",
            f"{of.title} has over 300 connections",
            "DatabaseConnections",
            "Average",
            300,
            periods=3,
        ),
    )


def database_graphs(of: Metrics) -> tuple[Graph, ...]:
    """Graphs of CPU, free memory and connections."""
    return (
        of.graph("CPU, %", ("CPUUtilization", "Average")),
        of.graph("connections", ("DatabaseConnections", "Maximum")),
        of.graph("free memory, bytes", ("FreeableMemory", "Minimum")),
    )
