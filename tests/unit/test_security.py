"""The key, its policy, and the Region restriction."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest

from lib.account import Account
from lib.iam_policy import Statement
from lib.monitoring.log_group import LogGroup
from lib.naming import Naming
from lib.security.key import EncryptionKey, ExistingKey
from lib.security.region_restriction import REGION_EXEMPT_ACTIONS
from tests.support.synthesis import Synthesizer
from tests.support.template import Template, listed
from tests.unit.conftest import UnitStack

USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
READ_WRITE = ["kms:GenerateDataKey*", "kms:Decrypt"]
TOPIC = {
    "StringEquals": {
        "kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:REGION:ID:alarm-topic-unit"
    }
}
TRAIL = {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:REGION:ID:trail/trail-unit"}}
FROM_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "ID"}}
# Service principals with their actions and conditions; ID is the account id.
SERVICE_STATEMENTS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "AllowCloudWatchLogs": (
        "logs.us-east-1.amazonaws.com",
        USE,
        {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": [
                    "arn:aws:logs:REGION:ID:log-group:/aws/rds/cluster/aurora-cluster-unit/postgresql",
                    "arn:aws:logs:REGION:ID:log-group:/aws/lambda/data-processor-unit",
                    "arn:aws:logs:REGION:ID:log-group:/aws/cloudtrail/trail-unit",
                ]
            }
        },
    ),
    "AllowS3AccessLogs": (
        "logging.s3.amazonaws.com",
        READ_WRITE,
        {
            "ArnLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    "arn:aws:s3:::access-logs-unit-ID",
                    "arn:aws:s3:::access-logs-unit-ID/*",
                ]
            }
        },
    ),
    "AllowVpcFlowLogs": (
        "delivery.logs.amazonaws.com",
        USE,
        {**FROM_ACCOUNT, "ArnLike": {"aws:SourceArn": "arn:aws:logs:REGION:ID:*"}},
    ),
    "AllowCloudTrailEncryptLogs": (
        "cloudtrail.amazonaws.com",
        ["kms:GenerateDataKey*"],
        {
            **TRAIL,
            "StringLike": {
                "kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:ID:trail/*"
            },
        },
    ),
    "AllowCloudTrailDescribeKey": (
        "cloudtrail.amazonaws.com",
        ["kms:DescribeKey", "kms:Decrypt"],
        TRAIL,
    ),
    "AllowCloudWatchAlarms": ("cloudwatch.amazonaws.com", READ_WRITE, TOPIC),
    "AllowEventBridge": ("events.amazonaws.com", READ_WRITE, TOPIC),
    "AllowAWSConfigDelivery": ("config.amazonaws.com", READ_WRITE, FROM_ACCOUNT),
    "AllowS3EventNotifications": (
        "s3.amazonaws.com",
        READ_WRITE,
        {
            "StringEquals": {
                "kms:EncryptionContext:aws:sqs:arn": "arn:aws:sqs:REGION:ID:results-queue-unit"
            }
        },
    ),
}
LAUNCHES = {
    "aws:PrincipalAccount": "ID",
    "aws:PrincipalArn": "arn:aws:iam::ID:role/aws-service-role/autoscaling.amazonaws.com/"
    "AWSServiceRoleForAutoScaling",
    "kms:CallerAccount": "ID",
    "kms:ViaService": "ec2.us-east-1.amazonaws.com",
}
# Actions and conditions of the service-linked role of Auto Scaling, an IAM principal.
AUTO_SCALING: dict[str, tuple[list[str], dict[str, Any]]] = {
    "AllowAutoScalingUse": (USE, {"StringEquals": LAUNCHES}),
    "AllowAutoScalingGrants": (
        ["kms:CreateGrant"],
        {"StringEquals": LAUNCHES, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
}
OWN = {"AllowAccountAdministration", "AllowUseViaServices", "AllowGrantsForServices"}


def key_statements(template: Template) -> dict[str, dict[str, Any]]:
    """The statements of the key policy by Sid, with ID and REGION for account id and Region."""
    text = template.get("aws_kms_key", "Key")["policy"].replace(template.account_id, "ID")
    statements = json.loads(text.replace(":us-east-1:", ":REGION:"))["Statement"]
    by_sid = {statement["Sid"]: statement for statement in statements}
    assert len(by_sid) == len(statements), "two statements have the same Sid"
    return by_sid


def test_key_is_rotated_and_has_an_alias(tap: Template) -> None:
    key = tap.get("aws_kms_key", "Key")
    assert key["enable_key_rotation"] is True
    assert key["deletion_window_in_days"] == 7
    alias = tap.get("aws_kms_alias")
    assert alias["name"] == "alias/tap-unit"
    assert alias["target_key_id"] == key.ref("key_id")


@pytest.mark.parametrize("sid", SERVICE_STATEMENTS)
def test_key_policy_allows_services_under_conditions(sid: str, tap: Template) -> None:
    principal, actions, conditions = SERVICE_STATEMENTS[sid]
    statement = key_statements(tap)[sid]
    assert statement == {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": actions if len(actions) > 1 else actions[0],
        "Resource": "*",
        "Condition": conditions,
    }


def test_key_policy_has_no_other_statements(tap: Template) -> None:
    assert {*key_statements(tap)} == {*SERVICE_STATEMENTS} | OWN


def allowed(action: str, statement: dict[str, Any]) -> bool:
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))


@pytest.mark.parametrize(
    "action", ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "Sign"]
)
def test_administration_does_not_include_use_of_the_key(action: str, tap: Template) -> None:
    statement = key_statements(tap)["AllowAccountAdministration"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::ID:root"}
    assert not allowed(f"kms:{action}", statement)


def test_administration_does_not_include_grants(tap: Template) -> None:
    assert not allowed("kms:CreateGrant", key_statements(tap)["AllowAccountAdministration"])


@pytest.mark.parametrize(
    "action",
    ["PutKeyPolicy", "ScheduleKeyDeletion", "EnableKeyRotation", "TagResource", "UpdateAlias"],
)
def test_administration_includes_management_and_deletion(action: str, tap: Template) -> None:
    assert allowed(f"kms:{action}", key_statements(tap)["AllowAccountAdministration"])


def test_principals_use_the_key_through_services_only(tap: Template) -> None:
    statement = key_statements(tap)["AllowUseViaServices"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::ID:root"}
    assert statement["Action"] == USE
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": "ID",
            "kms:ViaService": [
                f"{name}.us-east-1.amazonaws.com"
                for name in ("lambda", "rds", "s3", "secretsmanager", "sns", "sqs")
            ],
        }
    }


def test_rds_and_lambda_create_grants(tap: Template) -> None:
    statement = key_statements(tap)["AllowGrantsForServices"]
    assert statement["Action"] == "kms:CreateGrant"
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": "ID",
            "kms:ViaService": ["lambda.us-east-1.amazonaws.com", "rds.us-east-1.amazonaws.com"],
        },
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }


def test_services_that_are_not_deployed_are_not_allowed(synth: Synthesizer) -> None:
    template = synth(
        "tap",
        TAP_MONITORING_TRAIL="false",
        TAP_MONITORING_CONFIG_RECORDER="false",
        TAP_STORAGE_ACCESS_LOGS_ENCRYPTION="s3",
    )
    excluded = {
        "AllowCloudTrailEncryptLogs",
        "AllowCloudTrailDescribeKey",
        "AllowAWSConfigDelivery",
        "AllowS3AccessLogs",
    }
    assert {*key_statements(template)} == {*SERVICE_STATEMENTS} - excluded | OWN


NAMING = Naming(suffix="unit", system="tap")


def new_key(stack: UnitStack, **given: Any) -> EncryptionKey:
    account = Account(stack, "Account", region="us-east-1")
    return EncryptionKey(stack, "Key", naming=NAMING, account=account, **given)


def allow(key: EncryptionKey, sid: str, *arns: str, principal: str = "config") -> None:
    key.allow_service(
        principal,
        sid=sid,
        actions=("kms:Decrypt",),
        conditions={"ArnLike": {"aws:SourceArn": [*arns]}},
    )


def test_new_key_allows_administration_only(stack: UnitStack) -> None:
    new_key(stack)
    assert {*key_statements(stack.template())} == {"AllowAccountAdministration"}


def test_use_via_services_does_not_include_grants(stack: UnitStack) -> None:
    new_key(stack, via_services=("s3",)).allow_via_service("ec2", "s3")
    statements = key_statements(stack.template())
    assert {*statements} == {"AllowAccountAdministration", "AllowUseViaServices"}
    condition = statements["AllowUseViaServices"]["Condition"]["StringEquals"]
    assert condition["kms:ViaService"] == [f"{n}.us-east-1.amazonaws.com" for n in ("ec2", "s3")]


def test_services_that_create_grants_also_use_the_key(stack: UnitStack) -> None:
    new_key(stack).allow_via_service("rds", create_grants=True)
    statements = key_statements(stack.template())
    for sid in ("AllowUseViaServices", "AllowGrantsForServices"):
        condition = statements[sid]["Condition"]["StringEquals"]
        assert condition["kms:ViaService"] == "rds.us-east-1.amazonaws.com"


def test_statements_with_the_same_id_merge_their_condition_values(stack: UnitStack) -> None:
    key = new_key(stack)
    allow(key, "One", "arn:1")
    allow(key, "Two", "arn:2")
    allow(key, "One", "arn:3", "arn:1")
    statements = key_statements(stack.template())
    assert [*statements][1:] == ["One", "Two"]
    assert statements["One"]["Condition"] == {"ArnLike": {"aws:SourceArn": ["arn:1", "arn:3"]}}


@pytest.mark.parametrize("sid", ["AllowAccountAdministration", "One"])
def test_another_principal_with_the_same_statement_id_is_rejected(
    sid: str, stack: UnitStack
) -> None:
    key = new_key(stack)
    allow(key, "One", "arn:1")
    with pytest.raises(ValueError, match=f"received another statement '{sid}'; accepted: the same"):
        allow(key, sid, "arn:1", principal="logs")


@pytest.mark.parametrize("sid", ["", "AllowAccountAdministration", "One"])
def test_a_grant_does_not_replace_another_statement(sid: str, stack: UnitStack) -> None:
    key = new_key(stack)
    allow(key, "One", "arn:1")
    with pytest.raises(ValueError, match=rf"received a statement with the sid '{sid}'; accepted"):
        key.grant(Statement(sid=sid, actions=("kms:Decrypt",), principals={"AWS": ["arn:2"]}))


def test_the_same_grant_twice_is_one_statement(stack: UnitStack) -> None:
    key = new_key(stack)
    statement = Statement(sid="Two", actions=("kms:Decrypt",), principals={"AWS": ["arn:2"]})
    key.grant(statement)
    key.grant(statement)
    assert [*key_statements(stack.template())][1:] == ["Two"]


def test_key_policy_contains_the_exact_names_of_log_groups(stack: UnitStack) -> None:
    LogGroup(stack, "Logs", context=stack.context, path="/aws/lambda", kind="thing")
    statement = key_statements(stack.template())["AllowCloudWatchLogs"]
    pattern = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert pattern == "arn:aws:logs:REGION:ID:log-group:/aws/lambda/thing-unit"


@pytest.mark.parametrize("sid", AUTO_SCALING)
def test_key_policy_allows_auto_scaling_to_launch_instances(sid: str, synth: Synthesizer) -> None:
    statements = key_statements(synth("web"))
    actions, conditions = AUTO_SCALING[sid]
    assert statements[sid] == {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": actions if len(actions) > 1 else actions[0],
        "Resource": "*",
        "Condition": conditions,
    }


def test_existing_key_has_an_arn() -> None:
    assert ExistingKey("arn:aws:kms:us-east-1:123456789012:key/1").arn.endswith("key/1")


def test_region_restriction_denies_other_regions(tap: Template) -> None:
    policy = tap.get("aws_iam_policy", "RegionRestriction")
    (statement,) = policy.statements().values()
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == "*"
    assert statement["Condition"] == {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
    assert statement["NotAction"] == [*REGION_EXEMPT_ACTIONS]


@pytest.mark.parametrize(
    "action",
    [
        *("iam:CreateRole", "sts:AssumeRole", "route53:ListHostedZones", "support:DescribeCases"),
        *("cloudfront:CreateDistribution", "organizations:DescribeOrganization"),
        *("budgets:ViewBudget", "globalaccelerator:ListAccelerators", "health:DescribeEvents"),
        *("waf:GetWebACL", "wafv2:GetWebACL", "shield:DescribeSubscription"),
        *("s3:ListAllMyBuckets", "ec2:DescribeRegions"),
    ],
)
def test_region_restriction_exempts_global_services(action: str) -> None:
    assert any(fnmatch.fnmatchcase(action, pattern) for pattern in REGION_EXEMPT_ACTIONS)


@pytest.mark.parametrize(
    "action",
    [
        *("s3:CreateBucket", "ec2:RunInstances", "rds:CreateDBCluster", "kms:CreateKey"),
        *("lambda:CreateFunction", "secretsmanager:CreateSecret", "dynamodb:CreateTable"),
    ],
)
def test_region_restriction_denies_regional_services(action: str) -> None:
    assert not any(fnmatch.fnmatchcase(action, pattern) for pattern in REGION_EXEMPT_ACTIONS)


def test_key_policy_contains_region_and_partition(stack: UnitStack) -> None:
    account = Account(stack, "Account", region="us-gov-west-1", partition="aws-us-gov")
    EncryptionKey(stack, "Key", naming=NAMING, account=account, via_services=("s3",))
    text = stack.template().get("aws_kms_key")["policy"]
    assert "arn:aws-us-gov:iam::" in text
    assert "s3.us-gov-west-1.amazonaws.com" in text
    assert "us-east-1" not in text
