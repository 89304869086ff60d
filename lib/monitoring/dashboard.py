"""CloudWatch dashboards with alarm states and graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from constructs import Construct

from lib.context import Context
from lib.monitoring.alarms import Alarm

GRAPH_WIDTH, GRAPH_HEIGHT, ALARMS_HEIGHT = 12, 6, 4
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAXIMUM_ALARMS = 100


@dataclass(frozen=True)
class Graph:
    """One graph: metrics of one resource, each with its statistic."""

    title: str
    namespace: str
    dimensions: Mapping[str, str]
    metrics: Sequence[tuple[str, str]]


class Dashboard(Construct):
    """Creates a CloudWatch dashboard: the alarm states, then the graphs in two columns."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        alarms: Sequence[Alarm],
        graphs: Sequence[Graph],
    ) -> None:
        super().__init__(scope, id_)
        widgets: list[dict[str, object]] = [
            {
                "type": "alarm",
                **_place(0, 0, 2 * GRAPH_WIDTH, ALARMS_HEIGHT),
                "properties": {
                    "title": "Alarms",
                    "alarms": [alarm.arn for alarm in alarms[:MAXIMUM_ALARMS]],
                },
            }
        ]
        for number, graph in enumerate(graphs):
            row, column = divmod(number, 2)
            dimensions = [part for pair in graph.dimensions.items() for part in pair]
            widgets.append(
                {
                    "type": "metric",
                    **_place(
                        column * GRAPH_WIDTH,
                        ALARMS_HEIGHT + row * GRAPH_HEIGHT,
                        GRAPH_WIDTH,
                        GRAPH_HEIGHT,
                    ),
                    "properties": {
                        "title": graph.title,
                        "region": context.region,
                        "period": 300,
                        "metrics": [
                            [graph.namespace, metric, *dimensions, {"stat": statistic}]
                            for metric, statistic in graph.metrics
                        ],
                    },
                }
            )
        self.dashboard = CloudwatchDashboard(
            self,
            "Resource",
            dashboard_name=context.name(kind),
            dashboard_body=json.dumps({"widgets": widgets}),
        )


def _place(x: int, y: int, width: int, height: int) -> dict[str, object]:
    return {"x": x, "y": y, "width": width, "height": height}
