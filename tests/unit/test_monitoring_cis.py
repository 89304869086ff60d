"""The CIS alarms, compared with a table of API calls from the benchmark."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lib.monitoring.cis_table import CIS_ALARMS
from tests.support.filter_pattern import matches
from tests.support.synthesis import Synthesizer
from tests.support.template import Template

# Number, service (empty for any), and the API calls that the pattern must match.
CALLS: dict[int, tuple[str, str]] = {
    4: (
        "",
        """
        DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy
        PutUserPolicy CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion
        AttachRolePolicy DetachRolePolicy AttachUserPolicy DetachUserPolicy AttachGroupPolicy
        DetachGroupPolicy
        """,
    ),
    5: ("", "CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging"),
    7: ("kms", "DisableKey ScheduleKeyDeletion"),
    8: (
        "s3",
        """
        PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication
        DeleteBucketPolicy DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication
        """,
    ),
    9: (
        "config",
        """
        StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel
        PutConfigurationRecorder
        """,
    ),
    10: (
        "",
        """
        AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress
        RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup ModifySecurityGroupRules
        """,
    ),
    11: (
        "",
        """
        CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry
        ReplaceNetworkAclEntry ReplaceNetworkAclAssociation
        """,
    ),
    12: (
        "",
        """
        CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway
        DeleteInternetGateway DetachInternetGateway
        """,
    ),
    13: (
        "",
        """
        CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable
        DeleteRoute DisassociateRouteTable
        """,
    ),
    14: (
        "",
        """
        CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection
        CreateVpcPeeringConnection DeleteVpcPeeringConnection RejectVpcPeeringConnection
        AttachClassicLinkVpc DetachClassicLinkVpc DisableVpcClassicLink EnableVpcClassicLink
        """,
    ),
    15: (
        "organizations",
        """
        AcceptHandshake AttachPolicy CancelHandshake CreateAccount CreateOrganization
        CreateOrganizationalUnit CreatePolicy DeclineHandshake DeleteOrganization
        DeleteOrganizationalUnit DeletePolicy DetachPolicy DisablePolicyType EnableAllFeatures
        EnablePolicyType InviteAccountToOrganization LeaveOrganization MoveAccount
        RemoveAccountFromOrganization UpdateOrganizationalUnit UpdatePolicy
        """,
    ),
}
PATTERNS = {row.number: row.pattern for row in CIS_ALARMS}
UNRELATED = {"s3": "GetObject", "ec2": "DescribeInstances", "kms": "Decrypt", "sts": "AssumeRole"}


def event(name: str, source: str = "ec2", **more: Any) -> dict[str, Any]:
    """A management event of CloudTrail with the fields that patterns use."""
    return {
        "eventName": name,
        "eventSource": f"{source}.amazonaws.com",
        "eventType": "AwsApiCall",
        "sourceIPAddress": "198.51.100.7",
        "errorCode": "",
        "errorMessage": "",
        "userIdentity": {"type": "AssumedRole"},
        "additionalEventData": {"MFAUsed": "Yes"},
    } | more


def test_the_table_has_a_row_for_each_number() -> None:
    assert [row.number for row in CIS_ALARMS] == [*range(1, len(CIS_ALARMS) + 1)]
    assert len({row.name for row in CIS_ALARMS}) == len(CIS_ALARMS) >= 15
    assert all(len(row.pattern) <= 1024 for row in CIS_ALARMS), "the maximum of CloudWatch Logs"


@pytest.mark.parametrize("number", CALLS)
def test_patterns_match_the_calls_of_the_benchmark(number: int) -> None:
    source, names = CALLS[number]
    unmatched = [
        n for n in names.split() if not matches(PATTERNS[number], event(n, source or "ec2"))
    ]
    assert unmatched == []


@pytest.mark.parametrize("number", CALLS)
def test_patterns_contain_no_other_calls(number: int) -> None:
    named = set(re.findall(r"eventName = (\w+)", PATTERNS[number]))
    assert named == set(CALLS[number][1].split())


@pytest.mark.parametrize("number", [number for number, (source, _) in CALLS.items() if source])
def test_patterns_do_not_match_calls_of_other_services(number: int) -> None:
    assert not matches(PATTERNS[number], event(CALLS[number][1].split()[0], "elsewhere"))


@pytest.mark.parametrize("number", PATTERNS)
def test_patterns_do_not_match_unrelated_calls(number: int) -> None:
    matched = [n for s, n in UNRELATED.items() if matches(PATTERNS[number], event(n, s))]
    assert matched == []


@pytest.mark.parametrize(
    ("number", "expected", "sample"),
    [
        # 1: denied calls, except those of log delivery and HeadBucket
        (1, True, event("RunInstances", errorCode="Client.UnauthorizedOperation")),
        (1, True, event("GetObject", "s3", errorCode="AccessDenied")),
        (1, True, event("GetItem", "dynamodb", errorCode="AccessDeniedException")),
        (1, False, event("GetObject", "s3", errorCode="NoSuchKey")),
        (
            1,
            False,
            event(
                "PutObject",
                "s3",
                errorCode="AccessDenied",
                sourceIPAddress="delivery.logs.amazonaws.com",
            ),
        ),
        (1, False, event("HeadBucket", "s3", errorCode="AccessDenied")),
        (1, False, event("HeadBucket", "s3", errorCode="Client.UnauthorizedOperation")),
        # 2: console sign-in without MFA
        (2, True, event("ConsoleLogin", "signin", additionalEventData={"MFAUsed": "No"})),
        (2, False, event("ConsoleLogin", "signin", additionalEventData={"MFAUsed": "Yes"})),
        (2, False, event("GetSigninToken", "signin", additionalEventData={"MFAUsed": "No"})),
        # 3: the root user, except calls by services and events of AWS services
        (3, True, event("CreateUser", "iam", userIdentity={"type": "Root"})),
        (
            3,
            False,
            event("Decrypt", "kms", userIdentity={"type": "Root", "invokedBy": "AWS Internal"}),
        ),
        (
            3,
            False,
            event("RotateKey", "kms", userIdentity={"type": "Root"}, eventType="AwsServiceEvent"),
        ),
        (3, False, event("CreateUser", "iam", userIdentity={"type": "IAMUser"})),
        # 6: failed console sign-in
        (6, True, event("ConsoleLogin", "signin", errorMessage="Failed authentication")),
        (6, False, event("ConsoleLogin", "signin", errorMessage="")),
        (6, False, event("CheckMfa", "signin", errorMessage="Failed authentication")),
    ],
)
def test_patterns_with_conditions_match_samples(
    number: int, expected: bool, sample: dict[str, Any]
) -> None:
    assert matches(PATTERNS[number], sample) is expected


def pairs(template: Template) -> dict[str, tuple[Any, Any]]:
    """Metric filters by name, each with the alarm on its metric."""
    filters = template.of_type("aws_cloudwatch_log_metric_filter")
    alarms = [a for a in template.of_type("aws_cloudwatch_metric_alarm") if "/Cis/" in a.path]
    assert len(filters) == len(alarms)
    by_metric = {(alarm["namespace"], alarm["metric_name"]): alarm for alarm in alarms}
    return {
        found["name"]: (
            found,
            by_metric[
                found["metric_transformation"]["namespace"], found["metric_transformation"]["name"]
            ],
        )
        for found in filters
    }


@pytest.mark.parametrize("row", CIS_ALARMS, ids=lambda row: row.name)
def test_each_row_creates_a_metric_filter_and_an_alarm(row: Any, tap: Template) -> None:
    name = f"cis-4-{row.number}-{row.name}-unit"
    metric_filter, alarm = pairs(tap)[name]
    logs = tap.get("aws_cloudwatch_log_group", "Monitoring/Trail/Logs")
    assert metric_filter["pattern"] == row.pattern
    assert metric_filter["log_group_name"] == logs.ref("name")
    assert metric_filter["metric_transformation"] == {
        "name": row.name,
        "namespace": "tap-cis-unit",
        "value": "1",
        "default_value": "0",
    }
    assert alarm["alarm_name"] == name
    assert alarm["alarm_description"] == f"CIS 4.{row.number}: {row.meaning}"
    assert alarm["statistic"] == "Sum"
    assert alarm["comparison_operator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["threshold"] == 1
    assert alarm["alarm_actions"] == [tap.get("aws_sns_topic").ref("arn")]


def test_rows_can_be_excluded(synth: Synthesizer) -> None:
    template = synth(
        "tap",
        TAP_MONITORING_CIS_ALARMS_OFF="2, 15",
        TAP_MONITORING_CONFIG_RULES_OFF="s3-kms,rds-public-access",
    )
    numbers = {int(name.split("-")[2]) for name in pairs(template)}
    assert numbers == {row.number for row in CIS_ALARMS} - {2, 15}
    rules = {rule["name"] for rule in template.of_type("aws_config_config_rule")}
    assert not rules & {"config-s3-kms-unit", "config-rds-public-access-unit"}
    assert "config-s3-encryption-unit" in rules


def test_without_a_trail_no_cis_alarms_are_created(synth: Synthesizer) -> None:
    template = synth("tap", TAP_MONITORING_TRAIL="false")
    template.assert_none("aws_cloudtrail")
    template.assert_none("aws_cloudwatch_log_metric_filter")
    assert not [a for a in template.of_type("aws_cloudwatch_metric_alarm") if "/Cis/" in a.path]
    assert "trail_arn" not in template.document["output"]
    assert template.of_type("aws_config_config_rule")
