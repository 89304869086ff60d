"""The metrics of one resource, from which rows of alarms and graphs are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.monitoring.alarms import AlarmRule
from lib.monitoring.dashboard import Graph


@dataclass(frozen=True)
class Metrics:
    """Where CloudWatch has a resource's metrics, and what its alarms and graphs are called.

    `alarms` stands before the alarms' names, `title` before the graphs' titles.
    """

    alarms: str
    title: str
    namespace: str
    dimensions: Mapping[str, str]

    def rule(
        self,
        name: str,
        meaning: str,
        metric: str,
        statistic: str,
        threshold: float,
        *,
        comparison: Literal["GreaterThanThreshold", "LessThanThreshold"] = "GreaterThanThreshold",
        periods: int = 1,
    ) -> AlarmRule:
        """An alarm over `periods` of five minutes."""
        return AlarmRule(
            name=f"{self.alarms}-{name}",
            meaning=meaning,
            namespace=self.namespace,
            metric=metric,
            statistic=statistic,
            comparison=comparison,
            threshold=threshold,
            periods=periods,
            dimensions=self.dimensions,
        )

    def graph(self, what: str, *metrics: tuple[str, str]) -> Graph:
        """A graph of metrics, each with the statistic it is drawn by."""
        return Graph(f"{self.title}: {what}", self.namespace, self.dimensions, metrics)
