"""The web ACLs: rules, associations and log."""

from __future__ import annotations

from typing import Any

import pytest

from lib.security.web_acl import COUNTED_RULES, MANAGED_RULE_GROUPS, WebAcls
from tests.support.template import Resource, Template
from tests.unit.conftest import UnitStack

LOAD_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/it/1"
STAGE = "arn:aws:apigateway:us-east-1::/restapis/abc/stages/api"
ACLS = {"Firewall": LOAD_BALANCER, "Firewall/ApiWebAcl": STAGE}
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
UNITS = {
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
}
# A rate-based rule, and a comparison of the start of one header.
OWN_UNITS = 2 + 2


@pytest.fixture
def built(stack: UnitStack) -> Template:
    WebAcls(
        stack,
        "Firewall",
        context=stack.context,
        load_balancer_arn=LOAD_BALANCER,
        api_stage_arn=STAGE,
        authenticated_header="X-Api-Caller",
        requests_per_address=500,
    )
    return stack.template()


def rules(built: Template, path: str) -> dict[str, dict[str, Any]]:
    """The rules of a web ACL by name, in the order of evaluation."""
    found = built.get("aws_wafv2_web_acl", path)["rule"]
    assert [rule["priority"] for rule in found] == [*range(1, len(found) + 1)]
    return {rule["name"]: rule for rule in found}


def test_load_balancer_and_api_have_one_web_acl_each(built: Template) -> None:
    found = {
        one["resource_arn"]: one["web_acl_arn"]
        for one in built.of_type("aws_wafv2_web_acl_association")
    }
    assert found == {
        arn: built.get("aws_wafv2_web_acl", path).ref("arn") for path, arn in ACLS.items()
    }


def test_requests_of_the_api_are_evaluated_by_the_web_acl_of_the_api_only(
    built: Template,
) -> None:
    first, *others = rules(built, "Firewall").values()
    # The action ends the evaluation.
    assert first["action"] == {"allow": {}}
    match = first["statement"]["byte_match_statement"]
    assert match["field_to_match"] == {"single_header": {"name": "x-api-caller"}}
    assert (match["positional_constraint"], match["search_string"]) == ("STARTS_WITH", "arn:")
    of_api = rules(built, "Firewall/ApiWebAcl")
    assert [one["name"] for one in others] == [*of_api]
    assert not any("allow" in one.get("action", {}) for one in of_api.values())


@pytest.mark.parametrize("path", ACLS)
def test_addresses_with_too_many_requests_are_blocked_first(built: Template, path: str) -> None:
    blocking = [rule for name, rule in rules(built, path).items() if name != "AuthenticatedApi"]
    assert blocking[0]["action"] == {"block": {}}
    assert blocking[0]["statement"] == {
        "rate_based_statement": {"aggregate_key_type": "IP", "limit": 500}
    }


@pytest.mark.parametrize("path", ACLS)
def test_managed_rule_groups_block_except_for_large_bodies(built: Template, path: str) -> None:
    groups = {
        name: rule["statement"]["managed_rule_group_statement"]
        for name, rule in rules(built, path).items()
        if "managed_rule_group_statement" in rule["statement"]
    }
    assert [*groups] == [*MANAGED_RULE_GROUPS]
    for name, group in groups.items():
        assert (group["vendor_name"], group["name"]) == ("AWS", name)
        # `none` keeps the actions of the group, which block requests.
        assert rules(built, path)[name]["override_action"] == {"none": {}}
    assert {
        name: group["rule_action_override"]
        for name, group in groups.items()
        if "rule_action_override" in group
    } == {
        "AWSManagedRulesCommonRuleSet": [
            {"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}}
        ]
    }
    assert {*COUNTED_RULES} <= {*MANAGED_RULE_GROUPS}


def test_rules_use_at_most_1500_capacity_units() -> None:
    assert {*MANAGED_RULE_GROUPS} == {*UNITS}
    assert sum(UNITS.values()) + OWN_UNITS <= 1500


@pytest.mark.parametrize(
    ("path", "name"), [("Firewall", "firewall-unit"), ("Firewall/ApiWebAcl", "api-firewall-unit")]
)
def test_requests_are_allowed_by_default_and_counted_without_samples(
    built: Template, path: str, name: str
) -> None:
    web_acl = built.get("aws_wafv2_web_acl", path)
    assert (web_acl["name"], web_acl["scope"]) == (name, "REGIONAL")
    assert web_acl["default_action"] == {"allow": {}}
    # Samples contain the headers that the log redacts.
    visible = {"cloudwatch_metrics_enabled": True, "sampled_requests_enabled": False}
    assert web_acl["visibility_config"] == visible | {"metric_name": name}
    for rule in web_acl["rule"]:
        assert rule["visibility_config"] == visible | {"metric_name": rule["name"]}


def logging(built: Template) -> dict[str, Resource]:
    """The logging configurations by the ARN of their web ACL."""
    found = built.of_type("aws_wafv2_web_acl_logging_configuration")
    return {one["resource_arn"]: one for one in found}


@pytest.mark.parametrize("path", ACLS)
def test_log_excludes_credentials_and_query_strings(built: Template, path: str) -> None:
    one = logging(built)[built.get("aws_wafv2_web_acl", path).ref("arn")]
    group = built.get("aws_cloudwatch_log_group", "Firewall/Logs")
    # WAF requires this prefix.
    assert group["name"].startswith("aws-waf-logs-")
    assert group["kms_key_id"] == built.get("aws_kms_key").ref("arn")
    assert group["retention_in_days"] == 90
    assert one["log_destination_configs"] == [group.ref("arn")]
    assert one["redacted_fields"] == [
        {"single_header": {"name": "authorization"}},
        {"single_header": {"name": "cookie"}},
        {"single_header": {"name": "x-amz-security-token"}},
        # WAF cannot redact single arguments such as X-Amz-Signature.
        {"query_string": {}},
    ]


def test_log_accepts_deliveries_for_this_account_only(built: Template) -> None:
    policy = built.get("aws_cloudwatch_log_resource_policy")
    group = built.get("aws_cloudwatch_log_group", "Firewall/Logs")
    assert policy["policy_name"] == "firewall-logs-unit"
    assert policy.statements("policy_document")["AWSLogDeliveryWrite"] == {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group.ref('arn')}:*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:logs:us-east-1:{built.account_id}:*"},
            "StringEquals": {"aws:SourceAccount": built.account_id},
        },
    }
    # Without the policy AWS creates one that Terraform does not manage.
    assert all(policy.address in one["depends_on"] for one in logging(built).values())
