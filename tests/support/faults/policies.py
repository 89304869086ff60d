"""Faults in policies that only a look at what they come to shows."""

from __future__ import annotations

from typing import Any

from tests.support.plants import add, added, fault, state_anew
from tests.support.template import Resource, Template

OWN_ROLE = "DataProcessing/Role/Policy"
EVERYTHING = "*"
ROLES = "arn:aws:iam::123456789012:role/*"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:other"


def granted(rule: str, name: str, **statement: Any) -> None:
    """A fault that is a statement more in the policy of a role."""

    def plant(template: Template) -> Resource:
        return state_anew(template.get("aws_iam_role_policy", OWN_ROLE), **statement)

    plant.__name__ = name
    fault(rule)(plant)


for number, action in enumerate(
    (
        *("iam:PutRolePolicy", "iam:Attach*", "iam:CreatePolicyVersion", "iam:CreateAccessKey"),
        *("iam:UpdateAssumeRolePolicy", "lambda:UpdateFunctionCode"),
    )
):
    granted("no_privilege_escalation", f"escalation_{number}", Action=action, Resource=FUNCTION)
granted("no_privilege_escalation", "any_role_is_passed", Action="iam:PassRole", Resource=ROLES)
granted(
    "no_privilege_escalation",
    "any_role_is_passed_to_a_service",
    Action=["iam:PassRole"],
    Resource=EVERYTHING,
    Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
)
granted(
    "no_privilege_escalation",
    "a_role_is_passed_to_anything",
    Action="iam:PassRole",
    Resource="arn:aws:iam::123456789012:role/one",
)
granted("no_privilege_escalation", "any_role_is_assumed", Action="sts:*", Resource=EVERYTHING)
granted("no_wildcard_permissions", "a_whole_service", Action="lambda:*", Resource=FUNCTION)
granted(
    "no_redundant_statements",
    "an_action_twice",
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
def a_statement_twice(template: Template) -> Resource:
    statement = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::planted/some/*"}
    policy = state_anew(template.get("aws_iam_role_policy", OWN_ROLE), **statement)
    larger = {"Action": "s3:Get*", "Resource": "arn:aws:s3:::planted/*"}
    return state_anew(policy, **(larger | {"Sid": "PlantedToo"}))


@fault("suppressions_have_reasons")
def waiver_without_a_month(template: Template) -> Resource:
    cluster = template.get("aws_rds_cluster")
    cluster.body["//"]["suppressed_since"]["CKV_AWS_139"] = "lately"
    return cluster


@fault("no_public_access", "tap")
def function_with_an_address(template: Template) -> Resource:
    body = {"authorization_type": "NONE", "function_name": "f"}
    return add(template, "aws_lambda_function_url", body)
