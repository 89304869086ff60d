"""The dashboard of the platform."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from constructs import Construct

from lib.monitoring.alarms import Alarm
from lib.settings import Settings

# Title, namespace, dimension and metrics with their statistic; two graphs a row, in this order.
GRAPHS = (
    ("Aurora: CPU, %", "AWS/RDS", "cluster", (("CPUUtilization", "Average"),)),
    ("Aurora: connections", "AWS/RDS", "cluster", (("DatabaseConnections", "Maximum"),)),
    ("Aurora: free memory, bytes", "AWS/RDS", "cluster", (("FreeableMemory", "Minimum"),)),
    (
        "Aurora: latency, ms",
        "AWS/RDS",
        "cluster",
        (("CommitLatency", "Average"), ("AuroraReplicaLagMaximum", "Maximum")),
    ),
    (
        "Data processor: runs",
        "AWS/Lambda",
        "function",
        (("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum")),
    ),
    (
        "Data processor: duration, ms",
        "AWS/Lambda",
        "function",
        (("Duration", "p50"), ("Duration", "p95"), ("Duration", "Maximum")),
    ),
    (
        "Queue: messages waiting and in work",
        "AWS/SQS",
        "queue",
        (
            ("ApproximateNumberOfMessagesVisible", "Maximum"),
            ("ApproximateNumberOfMessagesNotVisible", "Maximum"),
        ),
    ),
    (
        "Queue: age of the oldest message, s",
        "AWS/SQS",
        "queue",
        (("ApproximateAgeOfOldestMessage", "Maximum"),),
    ),
    (
        "Queue: messages in and out",
        "AWS/SQS",
        "queue",
        (("NumberOfMessagesSent", "Sum"), ("NumberOfMessagesDeleted", "Sum")),
    ),
    (
        "Queue: dead letters",
        "AWS/SQS",
        "dead-letters",
        (("ApproximateNumberOfMessagesVisible", "Maximum"),),
    ),
)
GRAPH_WIDTH, GRAPH_HEIGHT, ALARMS_HEIGHT = 12, 6, 4
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAXIMUM_ALARMS = 100


class Dashboard(Construct):
    """Creates a CloudWatch dashboard: the state of the alarms above, then `GRAPHS`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        alarms: Sequence[Alarm],
        cluster_identifier: str,
        function_name: str,
        queue_name: str,
        dead_letters_name: str,
    ) -> None:
        super().__init__(scope, id_)
        dimensions = {
            "cluster": ("DBClusterIdentifier", cluster_identifier),
            "function": ("FunctionName", function_name),
            "queue": ("QueueName", queue_name),
            "dead-letters": ("QueueName", dead_letters_name),
        }
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
        for number, (title, namespace, of, metrics) in enumerate(GRAPHS):
            row, column = divmod(number, 2)
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
                        "title": title,
                        "region": settings.aws_region,
                        "period": 300,
                        "metrics": [
                            [namespace, metric, *dimensions[of], {"stat": statistic}]
                            for metric, statistic in metrics
                        ],
                    },
                }
            )
        self.dashboard = CloudwatchDashboard(
            self,
            "Resource",
            dashboard_name=settings.name("tap-dashboard"),
            dashboard_body=json.dumps({"widgets": widgets}),
        )


def _place(x: int, y: int, width: int, height: int) -> dict[str, object]:
    return {"x": x, "y": y, "width": width, "height": height}
