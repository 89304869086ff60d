"""Rules about policies."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from lib.rules.registry import Controls, Violations, rule
from lib.template import Template, listed, some, statements

RESTRICTING_KEYS = {"aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:SourceAccount"}


@rule(
    why="Who may do everything with everything may do it with what comes tomorrow, too",
    remedy="Name the actions, and the resources by their ARNs",
    enforced_by=("lib.security.roles.ServiceRole", "lib.security.key.EncryptionKey"),
    controls=Controls(
        cis=("1.16",),
        fsbp=("IAM.1", "IAM.21"),
        nist=("AC-2", "AC-3", "AC-3(7)", "AC-5", "AC-6", "AC-6(3)", "AC-6(10)"),
    ),
    suppressible=False,
)
def no_wildcard_permissions(template: Template) -> Violations:
    """No policy allows every action on everything."""
    for resource, argument, statement in statements(template):
        if statement["Effect"] != "Allow":
            continue
        where = f"{resource}: {argument} {statement.get('Sid')}"
        if "NotAction" in statement or "NotResource" in statement:
            yield f"{where} allows whatever it does not name"
        # In the policy of a key "*" is that key; even so nobody gets every action on it.
        of_key = resource.type == "aws_kms_key"
        for action in listed(statement.get("Action")):
            too_much = re.fullmatch(r"\*|\w+:\*", action) if of_key else "*" in action
            if too_much and "*" in listed(statement.get("Resource")):
                yield f"{where} allows {action} on everything"
            elif resource.type.startswith("aws_iam_") and re.fullmatch(r"\*|[\w-]+:\*", action):
                yield f"{where} allows {action}, all that the service can do"


@rule(
    why="Everyone means every AWS account there is",
    remedy="Name the principal, or bind the statement to the account by aws:PrincipalAccount",
    enforced_by=(
        "lib.storage.bucket.SecureBucket",
        "lib.security.key.EncryptionKey",
        "lib.messaging.queue.Queue",
    ),
    controls=Controls(
        fsbp=("KMS.5", "Lambda.1", "S3.2", "S3.3", "SNS.4", "SQS.3"),
        nist=("AC-3", "AC-4", "AC-6", "AC-21", "SC-7"),
    ),
)
def no_anonymous_principals(template: Template) -> Violations:
    """No policy lets everyone in."""
    for resource, argument, statement in statements(template):
        principal = statement.get("Principal")
        everyone = principal == "*" or (
            isinstance(principal, dict) and "*" in listed(principal.get("AWS"))
        )
        tests = {
            key
            for operator, keys in statement.get("Condition", {}).items()
            if operator in ("StringEquals", "ArnEquals")
            for key in keys
        }
        where = f"{resource}: {argument} {statement.get('Sid')}"
        if statement["Effect"] == "Allow" and "NotPrincipal" in statement:
            yield f"{where} allows whom it does not name"
        if statement["Effect"] == "Allow" and everyone and not tests & RESTRICTING_KEYS:
            yield f"{where} allows everyone"
    for permission in some(template, "aws_lambda_permission"):
        if permission.get("principal") == "*" and not permission.get("principal_org_id"):
            yield f"{permission}: lets everyone call the function"


@rule(
    why="A service that acts for another account's resource reaches ours as a confused deputy",
    remedy="Add a condition on aws:SourceAccount or aws:SourceArn with this account's number",
    enforced_by=(
        "lib.security.key.EncryptionKey",
        "lib.storage.bucket.SecureBucket",
        "lib.messaging.queue.Queue",
    ),
    controls=Controls(nist=("AC-3", "AC-4", "AC-6", "SC-7")),
)
def services_require_source_account(template: Template) -> Violations:
    """AWS services are let in on behalf of this account only."""
    for resource, argument, statement in statements(template):
        if resource.type not in ("aws_kms_key", "aws_s3_bucket_policy", "aws_sqs_queue_policy"):
            continue
        services = (
            isinstance(statement.get("Principal"), dict) and "Service" in statement["Principal"]
        )
        if services and statement["Effect"] == "Allow":
            bound = template.account_id in str(statement.get("Condition", ""))
            if not bound:
                yield f"{resource}: {argument} {statement.get('Sid')} serves other accounts too"


# What lets its holder take more rights than were granted, alone or with a role that is passed.
# https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/
ESCALATING = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy"),
    *("iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreateLoginProfile"),
    *("iam:CreatePolicyVersion", "iam:CreateServiceSpecificCredential"),
    *("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"),
    *("iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
    *("iam:PutUserPermissionsBoundary", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion"),
    *("iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile"),
    *("cloudformation:CreateStack", "cloudformation:UpdateStack"),
    *("codebuild:CreateProject", "codebuild:UpdateProject", "ec2:ModifyInstanceAttribute"),
    *("glue:UpdateDevEndpoint", "glue:UpdateJob", "lambda:UpdateFunctionCode"),
    *("lambda:UpdateFunctionConfiguration", "sagemaker:CreatePresignedNotebookInstanceUrl"),
)
# What does so only where it says of no resource, or of nobody, whom it is about.
ESCALATING_AT_LARGE = ("iam:PassRole", "sts:AssumeRole", "ssm:SendCommand", "ssm:StartSession")


@rule(
    why="Who may change policies, code or passwords of others has the rights of all of them",
    remedy="Drop the action; pass a role by its ARN and with a condition on iam:PassedToService",
    enforced_by=("lib.security.roles.ServiceRole", "lib.compute.instances.InstanceRole"),
    controls=Controls(nist=("AC-2(1)", "AC-3(7)", "AC-5", "AC-6", "AC-6(1)", "AC-6(10)")),
)
def no_privilege_escalation(template: Template) -> Violations:
    """No permission lets its holder take rights that were not granted."""
    for resource, argument, statement in statements(template):
        granted = resource.type.startswith("aws_iam_") and argument != "assume_role_policy"
        if not granted or statement["Effect"] != "Allow":
            continue
        allowed = [one.lower() for one in listed(statement.get("Action"))]
        where = f"{resource}: {argument} {statement.get('Sid')}"
        for action in (*ESCALATING, *_at_large(statement)):
            if any(fnmatchcase(action.lower(), pattern) for pattern in allowed):
                yield f"{where} allows {action} on {', '.join(listed(statement.get('Resource')))}"


def _at_large(statement: dict[str, Any]) -> tuple[str, ...]:
    """The actions that this statement may not allow, as it says too little about whom to."""
    resources = listed(statement.get("Resource"))
    everything = any(re.fullmatch(r"(?:arn:.*[:/])?\*", one) for one in resources)
    tests = {key for keys in statement.get("Condition", {}).values() for key in keys}
    if everything:
        return ESCALATING_AT_LARGE
    return () if "iam:PassedToService" in tests else ("iam:PassRole",)


@rule(
    why="Of two statements that say the same one is taken away some day, and changes nothing",
    remedy="Drop the action or the statement that another one covers",
    enforced_by=("lib.iam_policy.document",),
    severity="medium",
    controls=Controls(nist=("AC-6", "CM-2")),
)
def no_redundant_statements(template: Template) -> Violations:
    """No action and no statement is covered by another one of the same policy."""
    for resource, argument, policy in template.policies():
        found = listed(policy["Statement"])
        for number, statement in enumerate(found):
            where = f"{resource}: {argument} {statement.get('Sid')}"
            actions = listed(statement.get("Action"))
            for place, action in enumerate(actions):
                if _covered(action, actions[:place] + actions[place + 1 :]):
                    yield f"{where} names {action}, which another of its actions covers"
            for other in found[:number] + found[number + 1 :]:
                if _says(other, statement):
                    yield f"{where} says nothing that {other.get('Sid')} does not say"


def _covered(one: str, others: list[str]) -> bool:
    return any(fnmatchcase(one.lower(), other.lower()) for other in others)


def _says(larger: dict[str, Any], smaller: dict[str, Any]) -> bool:
    """Whether a statement holds wherever another one does."""
    same = ("Effect", "Principal", "NotPrincipal", "NotAction", "NotResource")
    return (
        all(larger.get(key) == smaller.get(key) for key in same)
        and larger.get("Condition") in (None, smaller.get("Condition"))
        and all(_covered(a, listed(larger.get("Action"))) for a in listed(smaller.get("Action")))
        and all(
            any(fnmatchcase(one, other) for other in listed(larger.get("Resource")))
            for one in listed(smaller.get("Resource"))
        )
    )
