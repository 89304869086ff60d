"""The web ACL: rule groups, associations and log."""

from __future__ import annotations

import pytest

from lib.security.web_acl import MANAGED_RULE_GROUPS, WebAcl
from tests.support.template import Template
from tests.unit.conftest import UnitStack

LOAD_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/it/1"
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
UNITS = {
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
}


@pytest.fixture
def built(stack: UnitStack) -> Template:
    WebAcl(stack, "Firewall", context=stack.context).associate("LoadBalancer", LOAD_BALANCER)
    return stack.template()


def test_rule_groups_are_evaluated_in_order(built: Template) -> None:
    rules = built.get("aws_wafv2_web_acl", "Firewall")["rule"]
    assert [rule["priority"] for rule in rules] == [1, 2, 3, 4, 5]
    groups = [rule["statement"]["managed_rule_group_statement"] for rule in rules]
    assert groups == [{"vendor_name": "AWS", "name": name} for name in MANAGED_RULE_GROUPS]
    # `none` keeps the actions of the group, which block requests.
    assert [rule["override_action"] for rule in rules] == [{"none": {}}] * len(rules)


def test_rule_groups_use_at_most_1500_capacity_units() -> None:
    assert {*MANAGED_RULE_GROUPS} == {*UNITS}
    assert sum(UNITS.values()) <= 1500


def test_requests_are_allowed_by_default_and_counted(built: Template) -> None:
    web_acl = built.get("aws_wafv2_web_acl", "Firewall")
    assert (web_acl["name"], web_acl["scope"]) == ("firewall-unit", "REGIONAL")
    assert web_acl["default_action"] == {"allow": {}}
    visible = {"cloudwatch_metrics_enabled": True, "sampled_requests_enabled": True}
    assert web_acl["visibility_config"] == visible | {"metric_name": "firewall-unit"}
    for rule in web_acl["rule"]:
        assert rule["visibility_config"] == visible | {"metric_name": rule["name"]}


def test_web_acl_is_associated_with_the_load_balancer(built: Template) -> None:
    association = built.get("aws_wafv2_web_acl_association", "Firewall/LoadBalancer")
    assert association["resource_arn"] == LOAD_BALANCER
    assert association["web_acl_arn"] == built.get("aws_wafv2_web_acl").ref("arn")


def test_log_excludes_headers_with_credentials(built: Template) -> None:
    logging = built.get("aws_wafv2_web_acl_logging_configuration")
    assert logging["resource_arn"] == built.get("aws_wafv2_web_acl").ref("arn")
    group = built.get("aws_cloudwatch_log_group", "Firewall/Logs")
    # WAF requires this prefix.
    assert group["name"].startswith("aws-waf-logs-")
    assert group["kms_key_id"] == built.get("aws_kms_key").ref("arn")
    assert group["retention_in_days"] == 90
    assert logging["log_destination_configs"] == [group.ref("arn")]
    assert logging["redacted_fields"] == [
        {"single_header": {"name": "authorization"}},
        {"single_header": {"name": "cookie"}},
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
    assert policy.address in built.get("aws_wafv2_web_acl_logging_configuration")["depends_on"]
