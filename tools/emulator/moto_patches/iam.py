"""Patches of IAM: authorization of callers whose access keys moto issued."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from flask import request
from moto.core.authorization import ActionAuthenticatorMixin
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from tools.emulator.authorization import (
    Caller,
    ConditionContext,
    credential_scope,
    current_caller,
    is_action_allowed,
    is_key_use_allowed,
    raise_access_denied,
)
from tools.emulator.moto_patches.patching import moto_patch, replace

# Prefixes of actions that differ from the service name in the signature.
_ACTION_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
# Actions that differ from the name of the operation.
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# The action on the KMS key that SQS requires of the caller of an encrypted queue.
_QUEUE_KEY_ACTIONS = {
    "sqs:ReceiveMessage": "kms:Decrypt",
    "sqs:SendMessage": "kms:GenerateDataKey",
}


@moto_patch
def authorize_requests_of_issued_access_keys() -> None:
    """Authorize every request of a caller whose access key moto issued.

    moto 5.2.5: evaluates policies only after a configured number of requests, and ignores most
    resources, all conditions and permissions boundaries.

    AWS: requires an Allow of the identity policies within the permissions boundary, also for the
    KMS key of an encrypted object, secret or queue.

    Reason: the local deployment runs the function with credentials of its role; a missing
    permission must fail here as in AWS.
    """
    original = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        caller = current_caller()
        if not caller.has_issued_key:
            original(self, iam_request_cls, resource)
            return
        service = credential_scope().service
        # The action of S3 follows from method and path; moto stores it before this call.
        operation = self.data["Action"] if service == "s3" else self._get_action()
        action = f"{_ACTION_PREFIXES.get(service, service)}:{operation}"
        action = _ACTIONS.get(action, action)
        if action == "sts:GetCallerIdentity":
            return
        if resource == "*":
            resource = _request_resource(self, service, caller.account)
        allowed = is_action_allowed(caller, action, resource, _service_context(self, service))
        if not (allowed and _is_encryption_key_allowed(self, caller, action, resource)):
            raise_access_denied(self, service, caller, action, resource)

    replace(ActionAuthenticatorMixin, _authenticate_and_authorize_action=authorize)


def _request_resource(response: Any, service: str, account: str) -> str:
    """Return the resource ARN of a request to a service other than S3; "*" where none is known."""
    region = credential_scope().region
    try:
        if service == "secretsmanager":
            secrets = secretsmanager_backends[account][region].secrets
            return str(secrets[response._get_param("SecretId")].arn)
        if service == "kms":
            kms = kms_backends[account][region]
            return str(kms.keys[kms.any_id_to_key_id(response._get_param("KeyId"))].arn)
        if service == "logs":
            group = response._get_param("logGroupName")
            stream = response._get_param("logStreamName")
            suffix = f"log-stream:{stream}" if stream else "*"
            return f"arn:aws:logs:{region}:{account}:log-group:{group}:{suffix}" if group else "*"
        if service == "sns":
            return str(response._get_param("TopicArn") or "*")
        if service == "lambda":
            name = request.path.split("/functions/")[1].split("/")[0]
            return f"arn:aws:lambda:{region}:{account}:function:{name}"
    except (KeyError, IndexError, TypeError, AttributeError):
        return "*"
    return "*"


def _service_context(response: Any, service: str) -> ConditionContext:
    """Return the condition keys that a service derives from its own parameters."""
    if service == "secretsmanager":
        # Whether AWS sets VersionStage to AWSCURRENT for a request without it is not documented.
        parameters = {name: response._get_param(name) for name in ("VersionStage", "VersionId")}
        return {f"secretsmanager:{name}": value for name, value in parameters.items() if value}
    if service == "monitoring":
        return {"cloudwatch:namespace": response._get_param("Namespace") or ""}
    return {}


def _is_encryption_key_allowed(response: Any, caller: Caller, action: str, resource: str) -> bool:
    """Return whether the caller may use the KMS key of the resource of an allowed action."""
    region = credential_scope().region
    if action.startswith("s3:"):
        return _is_object_key_allowed(response, caller, action)
    if resource == "*":
        return True
    if action in _QUEUE_KEY_ACTIONS:
        queue: Any = sqs_backends[caller.account][region].get_queue(resource.split(":")[-1])
        key = queue.kms_master_key_id
        return not key or is_key_use_allowed(caller, key, _QUEUE_KEY_ACTIONS[action], "sqs")
    if action == "secretsmanager:GetSecretValue":
        secret = secretsmanager_backends[caller.account][region].secrets[resource]
        key = getattr(secret, "kms_key_id", None)
        return not key or is_key_use_allowed(caller, key, "kms:Decrypt", "secretsmanager")
    return True


def _is_object_key_allowed(response: Any, caller: Caller, action: str) -> bool:
    bucket = response.backend.buckets.get(response.bucket_name)
    if bucket is None:
        return True
    if action in ("s3:GetObject", "s3:GetObjectVersion"):
        stored = response.backend.get_object(response.bucket_name, response.parse_key_name())
        if stored is None or stored.encryption != "aws:kms":
            return True
        key = stored.kms_key_id or "alias/aws/s3"
        return is_key_use_allowed(caller, key, "kms:Decrypt", "s3")
    if action == "s3:PutObject":
        key = response.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        default = ((bucket.encryption or {}).get("Rule") or {}).get(
            "ApplyServerSideEncryptionByDefault", {}
        )
        if not key and default.get("SSEAlgorithm") == "aws:kms":
            key = default.get("KMSMasterKeyID")
        return not key or is_key_use_allowed(caller, key, "kms:GenerateDataKey", "s3")
    return True
