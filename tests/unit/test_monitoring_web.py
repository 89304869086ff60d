"""The alarms and the dashboard of the web application."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Template

MIB, GIB = 1024**2, 1024**3
# Resource, metric, statistic, comparison, threshold, periods of five minutes
ALARMS: dict[str, tuple[str, str, str, str, float, int]] = {
    "balancer-5xx": ("load balancer", "HTTPCode_ELB_5XX_Count", "Sum", ">", 10, 1),
    "instances-5xx": ("targets", "HTTPCode_Target_5XX_Count", "Sum", ">", 10, 1),
    "instances-unhealthy": ("targets", "UnHealthyHostCount", "Maximum", ">", 0, 2),
    "instances-latency": ("targets", "TargetResponseTime", "p95", ">", 1, 3),
    "instances-cpu": ("instances", "CPUUtilization", "Average", ">", 80, 3),
    "database-cpu": ("database", "CPUUtilization", "Average", ">", 80, 3),
    "database-memory": ("database", "FreeableMemory", "Average", "<", 256 * MIB, 3),
    "database-connections": ("database", "DatabaseConnections", "Average", ">", 300, 3),
    "database-storage": ("database", "FreeStorageSpace", "Minimum", "<", 2 * GIB, 3),
    "api-5xx": ("api", "5XXError", "Sum", ">", 10, 1),
    "api-latency": ("api", "Latency", "p95", ">", 2000, 3),
}
COMPARISONS = {">": "GreaterThanThreshold", "<": "LessThanThreshold"}


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def monitored_resources(web: Template) -> dict[str, tuple[str, dict[str, str]]]:
    """Namespace and dimensions of the resources with alarms and graphs."""
    load_balancer = web.get("aws_lb", "LoadBalancer").ref("arn_suffix")
    targets = web.get("aws_lb_target_group", "LoadBalancer/TargetGroup").ref("arn_suffix")
    group = web.get("aws_autoscaling_group").ref("name")
    database = web.get("aws_db_instance").ref("identifier")
    api = web.get("aws_api_gateway_rest_api").ref("name")
    stage = web.get("aws_api_gateway_stage").ref("stage_name")
    return {
        "load balancer": ("AWS/ApplicationELB", {"LoadBalancer": load_balancer}),
        "targets": (
            "AWS/ApplicationELB",
            {"LoadBalancer": load_balancer, "TargetGroup": targets},
        ),
        "instances": ("AWS/EC2", {"AutoScalingGroupName": group}),
        "database": ("AWS/RDS", {"DBInstanceIdentifier": database}),
        "api": ("AWS/ApiGateway", {"ApiName": api, "Stage": stage}),
    }


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_have_metric_threshold_and_actions(name: str, web: Template) -> None:
    of, metric, statistic, comparison, threshold, periods = ALARMS[name]
    alarm = web.get("aws_cloudwatch_metric_alarm", f"Monitoring/{name}")
    namespace, dimensions = monitored_resources(web)[of]
    topic = web.get("aws_sns_topic").ref("arn")
    expected = {
        "alarm_name": f"web-{name}-unit",
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dimensions,
        "extended_statistic" if statistic.startswith("p") else "statistic": statistic,
        "comparison_operator": COMPARISONS[comparison],
        "threshold": threshold,
        "period": 300,
        "evaluation_periods": periods,
        "alarm_actions": [topic],
        "ok_actions": [topic],
    }
    assert {argument: alarm[argument] for argument in expected} == expected


def test_web_application_has_no_other_alarms(web: Template) -> None:
    alarms = web.of_type("aws_cloudwatch_metric_alarm")
    assert {alarm.path.removeprefix("Monitoring/") for alarm in alarms} == {*ALARMS}


def test_threshold_of_free_storage_depends_on_the_storage(synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_DATABASE_STORAGE_GB="80")
    alarm = template.get("aws_cloudwatch_metric_alarm", "Monitoring/database-storage")
    assert alarm["threshold"] == 8 * GIB


def test_topic_has_the_prefix_and_the_key_of_the_stack(web: Template) -> None:
    topic = web.get("aws_sns_topic", "Monitoring/Topic")
    assert topic["name"] == "web-alarm-topic-unit"
    key = web.get("aws_kms_key")
    assert topic["kms_master_key_id"] == key.ref("arn")
    statement = key.statements()["AllowCloudWatchAlarms"]
    assert "web-alarm-topic-unit" in json.dumps(statement["Condition"])


@pytest.fixture(scope="module")
def widgets(web: Template) -> list[dict[str, Any]]:
    dashboard = web.get("aws_cloudwatch_dashboard")
    assert dashboard["dashboard_name"] == "web-dashboard-unit"
    found: list[dict[str, Any]] = json.loads(dashboard["dashboard_body"])["widgets"]
    return found


def test_first_widget_contains_all_alarms(web: Template, widgets: list[dict[str, Any]]) -> None:
    alarms = web.of_type("aws_cloudwatch_metric_alarm")
    assert sorted(widgets[0]["properties"]["alarms"]) == sorted(a.ref("arn") for a in alarms)


def test_metrics_with_alarms_have_graphs(web: Template, widgets: list[dict[str, Any]]) -> None:
    shown = {
        (namespace, metric, tuple(dimensions))
        for widget in widgets[1:]
        for namespace, metric, *dimensions, _ in widget["properties"]["metrics"]
    }
    resources = monitored_resources(web)
    for of, metric, *_ in ALARMS.values():
        namespace, dimensions = resources[of]
        parts = tuple(part for pair in dimensions.items() for part in pair)
        assert (namespace, metric, parts) in shown


def test_titles_of_graphs_start_with_the_resource(widgets: list[dict[str, Any]]) -> None:
    titles = [widget["properties"]["title"] for widget in widgets[1:]]
    subjects = [title.partition(":")[0] for title in titles]
    assert subjects == [
        *["Balancer"] * 2,
        *["Instances"] * 4,
        *["Database"] * 4,
        *["API"] * 2,
    ]
    assert len(set(titles)) == len(titles)
