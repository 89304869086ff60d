"""Monitoring of the web application: load balancer, instances, database and API."""

from __future__ import annotations

from constructs import Construct

from lib.api.rest_api import Api
from lib.compute.load_balancer import LoadBalancer
from lib.compute.web_servers import WebServers
from lib.context import Context
from lib.database import PostgresInstance
from lib.monitoring.alarms import Alarm, AlarmRule
from lib.monitoring.dashboard import Dashboard, Graph
from lib.monitoring.databases import database_graphs, database_rules
from lib.monitoring.metrics import Metrics
from lib.monitoring.notifications import AlarmTopic

GIBIBYTE = 1024**3
# RDS storage autoscaling starts at the same share of free space.
LEAST_FREE_STORAGE = 0.1
# Errors within five minutes that are not an alarm.
TOLERATED_ERRORS = 10


class WebMonitoring(Construct):
    """Creates the alarm topic, the alarms of the web application and its dashboard."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        load_balancer: LoadBalancer,
        web_servers: WebServers,
        database: PostgresInstance,
        api: Api,
        database_storage_gb: int,
        alarm_email: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = AlarmTopic(self, "Topic", context=context, email=alarm_email)
        load_balancer_metrics = Metrics(
            "balancer",
            "Balancer",
            "AWS/ApplicationELB",
            {"LoadBalancer": load_balancer.load_balancer.arn_suffix},
        )
        target_metrics = Metrics(
            "instances",
            "Instances",
            "AWS/ApplicationELB",
            {
                "LoadBalancer": load_balancer.load_balancer.arn_suffix,
                "TargetGroup": load_balancer.target_group.arn_suffix,
            },
        )
        instance_metrics = Metrics(
            "instances", "Instances", "AWS/EC2", {"AutoScalingGroupName": web_servers.group.name}
        )
        database_metrics = Metrics(
            "database", "Database", "AWS/RDS", {"DBInstanceIdentifier": database.identifier}
        )
        api_metrics = Metrics(
            "api",
            "API",
            "AWS/ApiGateway",
            {"ApiName": api.rest_api.name, "Stage": api.stage.stage_name},
        )
        self.alarms = [
            Alarm(self, rule.name, context=context, topic=self.topic, rule=rule)
            for rule in (
                *load_balancer_rules(load_balancer_metrics),
                *target_rules(target_metrics),
                *instance_rules(instance_metrics),
                *database_rules(database_metrics),
                storage_rule(database_metrics, database_storage_gb),
                *api_rules(api_metrics),
            )
        ]
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            context=context,
            kind="dashboard",
            alarms=self.alarms,
            graphs=(
                *load_balancer_graphs(load_balancer_metrics),
                *target_graphs(target_metrics),
                instance_metrics.graph("CPU, %", ("CPUUtilization", "Average")),
                *database_graphs(database_metrics),
                database_metrics.graph("free storage, bytes", ("FreeStorageSpace", "Minimum")),
                *api_graphs(api_metrics),
            ),
        ).dashboard


def load_balancer_rules(metrics: Metrics) -> tuple[AlarmRule, ...]:
    """Alarms of the load balancer itself; errors are counted.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    return (
        metrics.rule(
            "5xx",
            f"The balancer answered over {TOLERATED_ERRORS} requests with an error of its own, as"
            " when no instance is there to ask",
            "HTTPCode_ELB_5XX_Count",
            "Sum",
            TOLERATED_ERRORS,
        ),
    )


def target_rules(metrics: Metrics) -> tuple[AlarmRule, ...]:
    """Alarms of the targets; errors and hosts are counted, times are in seconds."""
    return (
        metrics.rule(
            "5xx",
            f"The instances answered over {TOLERATED_ERRORS} requests with an error",
            "HTTPCode_Target_5XX_Count",
            "Sum",
            TOLERATED_ERRORS,
        ),
        # An instance is unhealthy for a short time after its launch and before its termination.
        metrics.rule(
            "unhealthy",
            "An instance is unhealthy for 10 minutes",
            "UnHealthyHostCount",
            "Maximum",
            0,
            periods=2,
        ),
        metrics.rule(
            "latency",
            "One in twenty requests takes an instance over a second, for 15 minutes",
            "TargetResponseTime",
            "p95",
            1,
            periods=3,
        ),
    )


def instance_rules(metrics: Metrics) -> tuple[AlarmRule, ...]:
    """Alarms of all instances of a group; CPU is in percent.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
    """
    return (
        metrics.rule(
            "cpu",
            "The instances' CPU is over 80 % for 15 minutes: more instances do not come, or do not"
            " help",
            "CPUUtilization",
            "Average",
            80,
            periods=3,
        ),
    )


def storage_rule(metrics: Metrics, storage_gb: int) -> AlarmRule:
    """Alarm of free storage in bytes, relative to the initial storage.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
    """
    return metrics.rule(
        "storage",
        "The database's free storage is under a tenth of what it was made with for 15 minutes: it"
        " has grown as far as it may, or cannot yet",
        "FreeStorageSpace",
        "Minimum",
        LEAST_FREE_STORAGE * storage_gb * GIBIBYTE,
        comparison="LessThanThreshold",
        periods=3,
    )


def api_rules(metrics: Metrics) -> tuple[AlarmRule, ...]:
    """Alarms of the API; errors are counted, times are in milliseconds.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    """
    return (
        metrics.rule(
            "5xx",
            f"The API answered over {TOLERATED_ERRORS} requests with an error",
            "5XXError",
            "Sum",
            TOLERATED_ERRORS,
        ),
        metrics.rule(
            "latency",
            "One in twenty requests to the API takes over two seconds, for 15 minutes",
            "Latency",
            "p95",
            2000,
            periods=3,
        ),
    )


def load_balancer_graphs(metrics: Metrics) -> tuple[Graph, ...]:
    """Graphs of requests, errors of the load balancer itself and connections."""
    return (
        metrics.graph(
            "requests and errors of its own",
            ("RequestCount", "Sum"),
            ("HTTPCode_ELB_4XX_Count", "Sum"),
            ("HTTPCode_ELB_5XX_Count", "Sum"),
        ),
        metrics.graph(
            "connections", ("ActiveConnectionCount", "Sum"), ("NewConnectionCount", "Sum")
        ),
    )


def target_graphs(metrics: Metrics) -> tuple[Graph, ...]:
    """Graphs of health and responses of the targets."""
    return (
        metrics.graph(
            "healthy and unhealthy",
            ("HealthyHostCount", "Minimum"),
            ("UnHealthyHostCount", "Maximum"),
        ),
        metrics.graph(
            "answers",
            ("HTTPCode_Target_2XX_Count", "Sum"),
            ("HTTPCode_Target_4XX_Count", "Sum"),
            ("HTTPCode_Target_5XX_Count", "Sum"),
        ),
        metrics.graph(
            "response time, s", ("TargetResponseTime", "p50"), ("TargetResponseTime", "p95")
        ),
    )


def api_graphs(metrics: Metrics) -> tuple[Graph, ...]:
    """Graphs of requests to the API and of their latency."""
    return (
        metrics.graph(
            "requests and errors", ("Count", "Sum"), ("4XXError", "Sum"), ("5XXError", "Sum")
        ),
        metrics.graph(
            "latency, ms", ("Latency", "p50"), ("Latency", "p95"), ("IntegrationLatency", "p95")
        ),
    )
