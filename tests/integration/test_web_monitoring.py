"""The deployed monitoring of the web application: alarms, topic and dashboard."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.conftest import Environment


@pytest.fixture(scope="module")
def alarms(web: Environment) -> dict[str, dict[str, Any]]:
    """The alarms on the dashboard, by name; target tracking policies create others."""
    cloudwatch = web.client("cloudwatch")
    answer = cloudwatch.get_dashboard(DashboardName=web.outputs["dashboard_name"])
    shown = set(json.loads(answer["DashboardBody"])["widgets"][0]["properties"]["alarms"])
    pages = cloudwatch.get_paginator("describe_alarms").paginate()
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {one["AlarmName"]: one for one in found if one["AlarmArn"] in shown}


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in alarm["Dimensions"]}


def test_alarms_notify_the_topic(web: Environment, alarms: dict[str, dict[str, Any]]) -> None:
    assert len(alarms) == 11
    for name, alarm in alarms.items():
        assert name.startswith("web-"), name
        assert alarm["AlarmActions"] == [web.outputs["alarm_topic_arn"]], name
        assert alarm["OKActions"] == [web.outputs["alarm_topic_arn"]], name


def test_topic_is_encrypted(web: Environment) -> None:
    attributes = web.client("sns").get_topic_attributes(TopicArn=web.outputs["alarm_topic_arn"])
    assert attributes["Attributes"]["KmsMasterKeyId"] == web.outputs["kms_key_arn"]


def test_alarm_dimensions_are_those_of_deployed_resources(
    web: Environment, alarms: dict[str, dict[str, Any]]
) -> None:
    elb = web.client("elbv2")
    (load_balancer,) = elb.describe_load_balancers(Names=[web.name("alb")])["LoadBalancers"]
    (targets,) = elb.describe_target_groups(Names=[web.name("tg")])["TargetGroups"]
    of_load_balancer = {
        "LoadBalancer": load_balancer["LoadBalancerArn"].partition("loadbalancer/")[2]
    }
    of_targets = of_load_balancer | {"TargetGroup": targets["TargetGroupArn"].rpartition(":")[2]}
    of_group = {"AutoScalingGroupName": web.outputs["auto_scaling_group_name"]}
    of_database = {"DBInstanceIdentifier": web.outputs["database_endpoint"].partition(".")[0]}
    of_api = {"ApiName": web.name("api"), "Stage": web.outputs["api_url"].rpartition("/")[2]}
    expected = {
        "balancer-5xx": of_load_balancer,
        "instances-5xx": of_targets,
        "instances-unhealthy": of_targets,
        "instances-latency": of_targets,
        "instances-cpu": of_group,
        "database-cpu": of_database,
        "database-memory": of_database,
        "database-connections": of_database,
        "database-storage": of_database,
        "api-5xx": of_api,
        "api-latency": of_api,
    }
    assert {name: dimensions(alarm) for name, alarm in alarms.items()} == {
        web.name(kind): place for kind, place in expected.items()
    }
