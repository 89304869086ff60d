"""The topic, the alarms and the dashboard of the Test Automation Platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.compute.packaging import PROJECT
from lib.monitoring.alarms import Alarm, AlarmRule
from lib.monitoring.notifications import AlarmTopic
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tests.unit.conftest import UnitStack


def test_topic_is_encrypted_and_accepts_messages_of_two_services(tap: Template) -> None:
    topic = tap.get("aws_sns_topic")
    assert topic["name"] == "alarm-topic-unit"
    assert topic["kms_master_key_id"] == tap.get("aws_kms_key").ref("arn")
    policy = tap.get("aws_sns_topic_policy")
    assert policy["arn"] == topic.ref("arn")
    allowed = {
        sid: (s["Principal"], s["Action"], s["Resource"], s.get("Condition"))
        for sid, s in policy.statements().items()
        if s["Effect"] == "Allow"
    }
    own = {"StringEquals": {"aws:SourceAccount": tap.account_id}}
    assert allowed == {
        "AllowCloudWatchAlarms": (
            {"Service": "cloudwatch.amazonaws.com"},
            "sns:Publish",
            topic.ref("arn"),
            own,
        ),
        # EventBridge does not support conditions here.
        "AllowEventBridge": (
            {"Service": "events.amazonaws.com"},
            "sns:Publish",
            topic.ref("arn"),
            None,
        ),
    }


def test_subscription_requires_an_email_address(tap: Template, synth: Synthesizer) -> None:
    tap.assert_none("aws_sns_topic_subscription")
    template = synth("tap", TAP_MONITORING_ALARM_EMAIL="ops@example.com")
    subscription = template.get("aws_sns_topic_subscription")
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "ops@example.com")
    assert subscription["topic_arn"] == template.get("aws_sns_topic").ref("arn")


MIB = 1024**2
# Metric, statistic, comparison, threshold, periods of five minutes
ALARMS: dict[str, tuple[str, str, str, float, int]] = {
    "aurora-cpu": ("CPUUtilization", "Average", ">", 80, 3),
    "aurora-memory": ("FreeableMemory", "Average", "<", 256 * MIB, 3),
    "aurora-local-storage": ("FreeLocalStorage", "Average", "<", 2048 * MIB, 3),
    "aurora-connections": ("DatabaseConnections", "Average", ">", 300, 3),
    "aurora-replica-lag": ("AuroraReplicaLagMaximum", "Maximum", ">", 1000, 3),
    "aurora-deadlocks": ("Deadlocks", "Sum", ">", 0, 1),
    "data-processor-errors": ("Errors", "Sum", ">", 0, 1),
    "data-processor-throttles": ("Throttles", "Sum", ">", 0, 1),
    "data-processor-duration": ("Duration", "p95", ">", 240_000, 1),
    "results-failing": ("ReportsFailed", "Sum", ">", 0, 2),
    "results-age": ("ApproximateAgeOfOldestMessage", "Maximum", ">", 1800, 3),
    "results-dead-letters": ("ApproximateNumberOfMessagesVisible", "Maximum", ">", 0, 1),
}
QUEUES = {
    "results-age": "DataProcessing/Queue",
    "results-dead-letters": "DataProcessing/Queue/DeadLetters",
}
COMPARISONS = {">": "GreaterThanThreshold", "<": "LessThanThreshold"}


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_have_metric_threshold_and_actions(name: str, tap: Template) -> None:
    metric, statistic, comparison, threshold, periods = ALARMS[name]
    alarm = tap.get("aws_cloudwatch_metric_alarm", f"Monitoring/{name}")
    if name.startswith("aurora"):
        cluster = tap.get("aws_rds_cluster").ref("cluster_identifier")
        namespace, dimensions = "AWS/RDS", {"DBClusterIdentifier": cluster}
    elif name in QUEUES:
        queue = tap.get("aws_sqs_queue", QUEUES[name])
        namespace, dimensions = "AWS/SQS", {"QueueName": queue.ref("name")}
    elif name == "results-failing":
        namespace = "TestResults"
        dimensions = {"service": "data-processor", "environment": "unit"}
    else:
        function = tap.get("aws_lambda_function").ref("function_name")
        namespace, dimensions = "AWS/Lambda", {"FunctionName": function}
    expected = {
        "alarm_name": f"{name}-unit",
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dimensions,
        "comparison_operator": COMPARISONS[comparison],
        "threshold": threshold,
        "period": 300,
        "evaluation_periods": periods,
        "treat_missing_data": "notBreaching",
        "alarm_actions": [tap.get("aws_sns_topic").ref("arn")],
        "ok_actions": [tap.get("aws_sns_topic").ref("arn")],
    }
    assert {argument: alarm[argument] for argument in expected} == expected
    of_percentile = statistic.startswith("p")
    assert alarm["extended_statistic" if of_percentile else "statistic"] == statistic
    assert ("statistic" in alarm.body) is not of_percentile


def test_function_publishes_the_metric_of_the_alarm() -> None:
    source = "".join(file.read_text() for file in (PROJECT / "lambda").glob("*.py"))
    assert 'METRICS_NAMESPACE = "TestResults"' in source
    assert 'SERVICE = "data-processor"' in source
    assert "set_default_dimensions(environment=environment.suffix)" in source
    assert 'self._counts["ReportsFailed"] += 1' in source


def test_platform_has_no_other_alarms(tap: Template) -> None:
    alarms = tap.of_type("aws_cloudwatch_metric_alarm")
    assert {a.path.removeprefix("Monitoring/") for a in alarms if a.path.count("/") == 1} == {
        *ALARMS
    }


def test_thresholds_depend_on_the_timeout(synth: Synthesizer) -> None:
    template = synth("tap", TAP_PROCESSING_TIMEOUT_SECONDS="60")
    path = "Monitoring/data-processor-duration"
    assert template.get("aws_cloudwatch_metric_alarm", path)["threshold"] == 48_000
    path = "Monitoring/results-age"
    assert template.get("aws_cloudwatch_metric_alarm", path)["threshold"] == 6 * 60


def test_alarm_without_dimensions_has_no_dimensions_argument(stack: UnitStack) -> None:
    topic = AlarmTopic(stack, "Topic", context=stack.context)
    rule = AlarmRule(
        name="some",
        meaning="Some metric is low",
        namespace="N",
        metric="M",
        statistic="Minimum",
        threshold=1.5,
        comparison="LessThanThreshold",
        period_seconds=60,
        periods=2,
    )
    Alarm(stack, "Alarm", context=stack.context, topic=topic, rule=rule)
    template = stack.template()
    alarm = template.get("aws_cloudwatch_metric_alarm")
    assert "dimensions" not in alarm.body
    assert (alarm["period"], alarm["evaluation_periods"], alarm["threshold"]) == (60, 2, 1.5)
    assert {"AllowCloudWatchAlarms", "AllowEventBridge"} <= {
        *template.get("aws_kms_key").statements()
    }


@pytest.fixture(scope="module")
def widgets(tap: Template) -> list[dict[str, Any]]:
    dashboard = tap.get("aws_cloudwatch_dashboard")
    assert dashboard["dashboard_name"] == "tap-dashboard-unit"
    found: list[dict[str, Any]] = json.loads(dashboard["dashboard_body"])["widgets"]
    return found


def test_first_widget_contains_all_alarms(tap: Template, widgets: list[dict[str, Any]]) -> None:
    first = widgets[0]
    assert first["type"] == "alarm"
    alarms = tap.of_type("aws_cloudwatch_metric_alarm")
    assert {*first["properties"]["alarms"]} == {alarm.ref("arn") for alarm in alarms}
    assert len(first["properties"]["alarms"]) == len(alarms)


def test_graphs_show_the_resources_of_the_stack(
    tap: Template, widgets: list[dict[str, Any]]
) -> None:
    graphs = [widget["properties"] for widget in widgets[1:]]
    subjects = [graph["title"].partition(":")[0] for graph in graphs]
    assert subjects == [*["Aurora"] * 4, *["Data processor"] * 2, *["Queue"] * 4]
    assert len({graph["title"] for graph in graphs}) == len(graphs)
    queue, dead_letter_queue = (
        tap.get("aws_sqs_queue", path).ref("name") for path in QUEUES.values()
    )
    dimensions = {
        "AWS/RDS": ["DBClusterIdentifier", tap.get("aws_rds_cluster").ref("cluster_identifier")],
        "AWS/Lambda": ["FunctionName", tap.get("aws_lambda_function").ref("function_name")],
        "AWS/SQS": ["QueueName", queue],
    }
    for graph in graphs:
        assert graph["region"] == "us-east-1"
        expected = dimensions
        if graph["title"] == "Queue: dead letters":
            expected = dimensions | {"AWS/SQS": ["QueueName", dead_letter_queue]}
        for namespace, _, *dimension, options in graph["metrics"]:
            assert dimension == expected[namespace]
            assert options["stat"]


def test_graphs_do_not_overlap(widgets: list[dict[str, Any]]) -> None:
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24, "a dashboard has 24 columns"
