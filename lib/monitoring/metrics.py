"""The metrics of one resource, from which alarms and graphs are created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.monitoring.alarms import AlarmRule
from lib.monitoring.dashboard import Graph


@dataclass(frozen=True)
class Metrics:
    """Namespace and dimensions of the metrics of a resource.

    `alarms` is the prefix of the names of its alarms, `title` that of the titles of its graphs.
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
        """The rule of an alarm; `periods` is a number of periods of five minutes."""
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

    def graph(self, title: str, *metrics: tuple[str, str]) -> Graph:
        """A graph of metrics, each with its statistic."""
        return Graph(f"{self.title}: {title}", self.namespace, self.dimensions, metrics)
