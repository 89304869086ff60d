"""Monitoring of the bastion: logins, status, NAT gateways, and what a Region needs once."""

from __future__ import annotations

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Template


@pytest.fixture(scope="module")
def bastion(synth: Synthesizer) -> Template:
    return synth("bastion")


def test_every_alarm_notifies_the_topic_of_the_stack(bastion: Template) -> None:
    topic = bastion.get("aws_sns_topic").ref("arn")
    alarms = {one["alarm_name"]: one for one in bastion.of_type("aws_cloudwatch_metric_alarm")}
    assert {
        *("bastion-login-unit", "bastion-failed-logins-unit", "bastion-host-status-unit"),
        *("bastion-nat-gateway-1-ports-unit", "bastion-nat-gateway-2-ports-unit"),
    } <= {*alarms}
    assert all(one["alarm_actions"] == [topic] for one in alarms.values())


def test_logins_and_recorded_sessions_are_one_metric(bastion: Template) -> None:
    logins = bastion.get("aws_cloudwatch_log_group", "Bastion/Logins").ref("name")
    sessions = bastion.get("aws_cloudwatch_log_group", "Bastion/Session/Logs").ref("name")
    found: dict[str, set[tuple[str, str]]] = {}
    for one in bastion.of_type("aws_cloudwatch_log_metric_filter"):
        metric = one["metric_transformation"]
        assert metric["namespace"] == "bastion-logins-unit"
        found.setdefault(metric["name"], set()).add((one["log_group_name"], one["pattern"]))
    assert found["Logins"] == {(logins, '"Accepted publickey for"'), (sessions, "")}
    assert {group for group, _ in found["FailedLogins"]} == {logins}
    alarm = bastion.get("aws_cloudwatch_metric_alarm", "Monitoring/login")
    assert (alarm["metric_name"], alarm["threshold"]) == ("Logins", 1)
    assert alarm["comparison_operator"] == "GreaterThanOrEqualToThreshold"


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("Logins", "sshd[812]: Accepted publickey for ec2-user from 203.0.113.7 port 40122 ssh2"),
        ("FailedLogins", "sshd[812]: Failed publickey for ec2-user from 203.0.113.7 port 40122"),
        ("FailedLogins", "sshd[812]: Invalid user oracle from 203.0.113.7 port 40122"),
    ],
)
def test_messages_of_sshd_match_one_metric(metric: str, message: str, bastion: Template) -> None:
    matching = {
        one["metric_transformation"]["name"]
        for one in bastion.of_type("aws_cloudwatch_log_metric_filter")
        if one["pattern"] and one["pattern"].strip('"') in message
    }
    assert matching == {metric}


def test_login_alarm_can_be_switched_off(synth: Synthesizer) -> None:
    template = synth("bastion", TAP_BASTION_LOGIN_ALARM="false")
    names = {one["alarm_name"] for one in template.of_type("aws_cloudwatch_metric_alarm")}
    assert "bastion-login-unit" not in names
    assert "bastion-failed-logins-unit" in names


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"AWS_REGION": "us-west-2"}, False),
        ({"TAP_MONITORING_CONFIG_RECORDER": "false"}, False),
        ({"TAP_BASTION_CONFIG_RECORDER": "false"}, False),
        ({"AWS_REGION": "us-west-2", "TAP_BASTION_CONFIG_RECORDER": "true"}, True),
    ],
)
def test_config_recorder_and_findings_exist_once_in_a_region(
    variables: dict[str, str], expected: bool, synth: Synthesizer
) -> None:
    template = synth("bastion", **variables)
    resources = template.document["resource"]
    assert ("aws_config_configuration_recorder" in resources) is expected
    assert ("aws_cloudwatch_event_rule" in resources) is expected
    if expected:
        recorders = template.of_type("aws_config_configuration_recorder")
        # TapStack records IAM resources in its own Region.
        (group,) = [one["recording_group"] for one in recorders]
        assert group["include_global_resource_types"] is False
        assert template.document["output"]["audit_bucket_name"]
