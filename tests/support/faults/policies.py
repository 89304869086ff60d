"""Faults in policies that depend on several parts of a statement."""

from __future__ import annotations

from typing import Any

from tests.support.plants import add, add_statement, added, fault, suppress
from tests.support.template import Resource, Template

OWN_ROLE = "DataProcessing/Role/Policy"
EVERYTHING = "*"
ROLES = "arn:aws:iam::123456789012:role/*"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:other"


def granted(rule: str, name: str, **statement: Any) -> None:
    """Register a fault that adds a statement to the policy of a role."""

    def plant(template: Template) -> Resource:
        return add_statement(template.get("aws_iam_role_policy", OWN_ROLE), **statement)

    plant.__name__ = name
    fault(rule)(plant)


for number, action in enumerate(
    (
        *("iam:PutRolePolicy", "iam:Attach*", "iam:CreatePolicyVersion", "iam:CreateAccessKey"),
        *("iam:UpdateAssumeRolePolicy", "lambda:UpdateFunctionCode"),
    )
):
    granted("no_privilege_escalation", f"escalation_{number}", Action=action, Resource=FUNCTION)
granted("no_privilege_escalation", "pass_any_role", Action="iam:PassRole", Resource=ROLES)
granted(
    "no_privilege_escalation",
    "pass_any_role_to_one_service",
    Action=["iam:PassRole"],
    Resource=EVERYTHING,
    Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
)
granted(
    "no_privilege_escalation",
    "pass_one_role_to_any_service",
    Action="iam:PassRole",
    Resource="arn:aws:iam::123456789012:role/one",
)
granted("no_privilege_escalation", "assume_any_role", Action="sts:*", Resource=EVERYTHING)
granted("no_wildcard_permissions", "service_wildcard", Action="lambda:*", Resource=FUNCTION)
granted(
    "no_redundant_statements",
    "covered_action",
    Action=["lambda:GetFunction", "lambda:Get*"],
    Resource=FUNCTION,
)
added(
    "no_anonymous_principals",
    "aws_lambda_permission",
    {"action": "lambda:InvokeFunction", "function_name": "f", "principal": "*"},
    "tap",
)


@fault("no_redundant_statements")
def covered_statement(template: Template) -> Resource:
    statement = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::planted/some/*"}
    policy = add_statement(template.get("aws_iam_role_policy", OWN_ROLE), **statement)
    larger = {"Action": "s3:Get*", "Resource": "arn:aws:s3:::planted/*"}
    return add_statement(policy, **(larger | {"Sid": "PlantedSecond"}))


@fault("suppressions_have_reasons")
def suppression_without_month(template: Template) -> Resource:
    reason = "Every environment stays destroyable"
    return suppress(template.get("aws_rds_cluster"), "CKV_AWS_139", reason, since="lately")


@fault("no_public_access", "tap")
def function_url(template: Template) -> Resource:
    body = {"authorization_type": "NONE", "function_name": "f"}
    return add(template, "aws_lambda_function_url", body)
