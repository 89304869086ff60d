"""Rules about IAM policies and resource policies."""

from __future__ import annotations

import re

from lib.iam_policy import Statement, action_covers, any_matches, parse
from lib.rules.registry import Controls, Violations, rule
from lib.template import Template

_SERVICE_WILDCARD = re.compile(r"\*|[\w-]+:\*")


@rule(
    why="A principal with every permission also has those of services that AWS adds later",
    remedy="List the actions, and the resources by their ARNs",
    controls=Controls(
        cis=("1.16",),
        fsbp=("IAM.1", "IAM.21"),
        nist=("AC-2", "AC-3", "AC-3(7)", "AC-5", "AC-6", "AC-6(3)", "AC-6(10)"),
    ),
    suppressible=False,
)
def no_wildcard_permissions(template: Template) -> Violations:
    """No policy allows every action on every resource."""
    for resource, argument, statement in template.statements():
        if not statement.allows:
            continue
        where = f"{resource}: {argument} {statement.sid}"
        if statement.not_actions or statement.not_resources:
            yield f"{where} allows everything that it does not list"
        # In a key policy, "*" is the key itself.
        key_policy = resource.type == "aws_kms_key"
        for action in statement.actions:
            wildcard = _SERVICE_WILDCARD.fullmatch(action) if key_policy else "*" in action
            if wildcard and statement.all_resources:
                yield f"{where} allows {action} on every resource"
            elif resource.type.startswith("aws_iam_") and _SERVICE_WILDCARD.fullmatch(action):
                yield f"{where} allows {action}, all actions of the service"


@rule(
    why="A policy without a restriction on the principal applies to every AWS account",
    remedy="List the principals, or add a condition on aws:PrincipalAccount",
    controls=Controls(
        fsbp=("KMS.5", "Lambda.1", "S3.2", "S3.3", "SNS.4", "SQS.3"),
        nist=("AC-3", "AC-4", "AC-6", "AC-21", "SC-7"),
    ),
)
def no_anonymous_principals(template: Template) -> Violations:
    """No policy allows everyone."""
    for resource, argument, statement in template.statements():
        where = f"{resource}: {argument} {statement.sid}"
        if statement.allows and statement.not_principals is not None:
            yield f"{where} allows every principal that it does not list"
        elif statement.public:
            yield f"{where} allows everyone"
    for permission in template.resources("aws_lambda_permission"):
        if permission.get("principal") == "*" and not permission.get("principal_org_id"):
            yield f"{permission}: allows everyone to invoke the function"


@rule(
    why="A service that acts for a resource of another account can be used as a confused deputy",
    remedy="Add a condition on aws:SourceAccount or aws:SourceArn with the account id",
    enforced_by=(
        "lib.security.key.EncryptionKey",
        "lib.storage.bucket.SecureBucket",
        "lib.messaging.queue.Queue",
    ),
    controls=Controls(nist=("AC-3", "AC-4", "AC-6", "SC-7")),
)
def services_require_source_account(template: Template) -> Violations:
    """Resource policies allow AWS services only on behalf of the own account."""
    for resource, argument, statement in template.statements():
        if resource.type not in ("aws_kms_key", "aws_s3_bucket_policy", "aws_sqs_queue_policy"):
            continue
        services = any(kind == "Service" for kind, _ in statement.principal_names)
        if services and statement.allows and template.account_id not in str(statement.conditions):
            yield f"{resource}: {argument} {statement.sid} allows the service for other accounts"


# Actions with which a principal obtains permissions that it was not granted.
# https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/
ESCALATING_ACTIONS = (
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
# Actions that do so unless the statement limits the resources, or the service a role is passed to.
ESCALATING_WITHOUT_LIMIT = ("iam:PassRole", "sts:AssumeRole", "ssm:SendCommand", "ssm:StartSession")


@rule(
    why="A principal that changes policies, code or passwords of others obtains their permissions",
    remedy="Remove the action; allow iam:PassRole for one role, with a condition on"
    " iam:PassedToService",
    controls=Controls(nist=("AC-2(1)", "AC-3(7)", "AC-5", "AC-6", "AC-6(1)", "AC-6(10)")),
)
def no_privilege_escalation(template: Template) -> Violations:
    """No identity policy allows actions that extend the permissions of the principal."""
    for resource, argument, statement in template.statements():
        identity = resource.type.startswith("aws_iam_") and argument != "assume_role_policy"
        if not identity or not statement.allows:
            continue
        for action in (*ESCALATING_ACTIONS, *_escalating_without_limit(statement)):
            if any_matches(statement.actions, action, ignore_case=True):
                resources = ", ".join(statement.resources)
                yield f"{resource}: {argument} {statement.sid} allows {action} on {resources}"


def _escalating_without_limit(statement: Statement) -> tuple[str, ...]:
    """The actions whose limit a statement lacks."""
    if any(re.fullmatch(r"(?:arn:.*[:/])?\*", one) for one in statement.resources):
        return ESCALATING_WITHOUT_LIMIT
    keys = {one.key for one in statement.condition_tests}
    return () if "iam:passedtoservice" in keys else ("iam:PassRole",)


@rule(
    why="Removing one of two equivalent statements has no effect, which is easily missed",
    remedy="Remove the action or the statement that another one covers",
    severity="medium",
    controls=Controls(nist=("AC-6", "CM-2")),
)
def no_redundant_statements(template: Template) -> Violations:
    """No action and no statement is covered by another one of the same policy."""
    for resource, argument, policy in template.policies():
        statements = parse(policy)
        for number, statement in enumerate(statements):
            where = f"{resource}: {argument} {statement.sid}"
            actions = [*statement.actions]
            for place, action in enumerate(actions):
                others = actions[:place] + actions[place + 1 :]
                if any(action_covers(other, action) for other in others):
                    yield f"{where} lists {action}, which another of its actions covers"
            for other in statements[:number] + statements[number + 1 :]:
                if other.covers(statement):
                    yield f"{where} is covered by {other.sid}"
