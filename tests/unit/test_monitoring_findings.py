"""Findings: the events that rules match, and the messages that are sent."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.support.event_pattern import matches, transform
from tests.support.template import Template

# Samples of the three formats in the AWS documentation, with the fields that rules use.
SAMPLES: dict[str, dict[str, Any]] = {
    "guardduty-findings": {
        "source": "aws.guardduty",
        "detail-type": "GuardDuty Finding",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {
            "id": "4ab1",
            "severity": 5.3,
            "type": "Recon:EC2/PortProbe",
            "title": "A port is probed",
            "description": "An address probes a port.",
        },
    },
    "security-hub-findings": {
        "source": "aws.securityhub",
        "detail-type": "Security Hub Findings - Imported",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {
            "findings": [
                {
                    "Title": "S3.1",
                    "Description": "A bucket is public.",
                    "Severity": {"Label": "HIGH"},
                    "Workflow": {"Status": "NEW"},
                    "RecordState": "ACTIVE",
                    "Resources": [{"Id": "arn:aws:s3:::b"}],
                }
            ]
        },
    },
    "security-hub-v2-findings": {
        "source": "aws.securityhub",
        "detail-type": "Findings Imported V2",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {
            "findings": [
                {
                    "severity": "Critical",
                    "status": "New",
                    "finding_info": {"title": "RDS.2", "desc": "A database is public."},
                    "resources": [{"uid": "arn:aws:rds:us-east-1:123456789012:db:d"}],
                }
            ]
        },
    },
}
MESSAGES = {
    "guardduty-findings": "GuardDuty, severity 5.3: A port is probed (Recon:EC2/PortProbe) in"
    " account 123456789012, us-east-1. Finding 4ab1.",
    "security-hub-findings": "Security Hub, HIGH: S3.1 at arn:aws:s3:::b in account 123456789012,"
    " us-east-1.",
    "security-hub-v2-findings": "Security Hub, Critical: RDS.2 at"
    " arn:aws:rds:us-east-1:123456789012:db:d in account 123456789012, us-east-1.",
}


def rule(template: Template, name: str) -> tuple[Any, Any]:
    """The rule with that name, and its event pattern."""
    found = template.get("aws_cloudwatch_event_rule", f"Monitoring/Findings/{name}-rule")
    return found, json.loads(found["event_pattern"])


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """A sample with another value at a path such as `detail.findings.0.status`."""
    event = copy.deepcopy(SAMPLES[name])
    *parents, last = path.split(".")
    target: Any = event
    for parent in parents:
        target = target[int(parent)] if parent.isdigit() else target[parent]
    assert last in target
    target[last] = value
    return event


def test_there_is_one_rule_per_format(tap: Template) -> None:
    names = {found["name"] for found in tap.of_type("aws_cloudwatch_event_rule")}
    assert names == {f"{name}-unit" for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_rules_match_findings_of_their_format_only(name: str, sample: str, tap: Template) -> None:
    assert matches(rule(tap, name)[1], SAMPLES[sample]) is (name == sample)


@pytest.mark.parametrize(
    ("name", "path", "value", "expected"),
    [
        ("guardduty-findings", "detail.severity", 4, True),
        ("guardduty-findings", "detail.severity", 9.5, True),
        ("guardduty-findings", "detail.severity", 3.9, False),
        ("guardduty-findings", "source", "aws.other", False),
        ("security-hub-findings", "detail.findings.0.Severity", {"Label": "CRITICAL"}, True),
        ("security-hub-findings", "detail.findings.0.Severity", {"Label": "MEDIUM"}, False),
        ("security-hub-findings", "detail.findings.0.Workflow", {"Status": "RESOLVED"}, False),
        ("security-hub-findings", "detail.findings.0.RecordState", "ARCHIVED", False),
        ("security-hub-v2-findings", "detail.findings.0.severity", "Fatal", True),
        ("security-hub-v2-findings", "detail.findings.0.severity", "High", True),
        ("security-hub-v2-findings", "detail.findings.0.severity", "Low", False),
        ("security-hub-v2-findings", "detail.findings.0.status", "Suppressed", False),
    ],
)
def test_rules_match_severity_and_status(
    name: str, path: str, value: Any, expected: bool, tap: Template
) -> None:
    assert matches(rule(tap, name)[1], changed(name, path, value)) is expected


@pytest.mark.parametrize("name", SAMPLES)
def test_message_contains_the_fields_of_the_finding(name: str, tap: Template) -> None:
    target = tap.get("aws_cloudwatch_event_target", f"Monitoring/Findings/{name}-target")
    assert target["rule"] == rule(tap, name)[0].ref("name")
    assert target["arn"] == tap.get("aws_sns_topic").ref("arn")
    transformer = target["input_transformer"]
    message = transform(transformer["input_paths"], transformer["input_template"], SAMPLES[name])
    assert message == MESSAGES[name]


def test_targets_depend_on_the_policy_of_the_topic(tap: Template) -> None:
    policy = tap.get("aws_sns_topic_policy").address
    targets = tap.of_type("aws_cloudwatch_event_target")
    assert [target["depends_on"] for target in targets] == [[policy]] * len(SAMPLES)


def test_no_detectors_are_created(tap: Template) -> None:
    tap.assert_none("aws_guardduty_detector")
    tap.assert_none("aws_securityhub_account")


@pytest.mark.parametrize("name", SAMPLES)
def test_alarm_reports_undelivered_messages(name: str, tap: Template) -> None:
    alarm = tap.get("aws_cloudwatch_metric_alarm", f"Monitoring/Findings/{name}-alarm")
    assert alarm["dimensions"] == {"RuleName": rule(tap, name)[0].ref("name")}
    assert (alarm["namespace"], alarm["metric_name"]) == ("AWS/Events", "FailedInvocations")
    assert alarm["alarm_actions"] == [tap.get("aws_sns_topic").ref("arn")]
