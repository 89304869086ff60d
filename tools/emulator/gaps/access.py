"""Who may do what: S3 bucket policies for everybody, identity policies for keys moto issued.

moto reads neither conditions nor most resources, and refuses what they would let through. Here
the policies are judged by ``tools.emulator.policies``:

- Bucket policies, and the refusals of queue policies, apply to every request. The loopback's plain
  HTTP stands for TLS 1.3.
- A caller with keys from AssumeRole or CreateAccessKey is held to its policies and its
  permissions boundary, and needs the KMS key of an encrypted object, secret or queue as well.
- Any other keys (a test's, Terraform's) may do everything, as an account's administrator.

Not judged: policies of other resources than buckets, queues and keys, session policies, signatures.
The header ``X-Emulator-Context`` (a JSON object, null takes a key away) changes condition keys of
one request, so that a test can be a client without TLS or one with MFA.
"""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import request
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.core.utils import get_service_model
from moto.iam.access_control import PermissionResult
from moto.iam.models import get_account_id_from, iam_backends
from moto.kms.models import kms_backends
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import FakeBucket
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from tools.emulator.patching import put
from tools.emulator.policies import Call, Verdict, judge, judge_all

# Where the name that a request is signed for is not the one that policies use.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# What an encrypted queue asks of its key, on behalf of the caller.
_QUEUE_KEY_ACTIONS = {
    "sqs:ReceiveMessage": "kms:Decrypt",
    "sqs:SendMessage": "kms:GenerateDataKey",
}
_VERDICTS = {
    Verdict.ALLOW: PermissionResult.PERMITTED,
    Verdict.DENY: PermissionResult.DENIED,
    Verdict.SILENT: PermissionResult.NEUTRAL,
}


@dataclass(frozen=True)
class Caller:
    """Whoever signed the request; ``role`` or ``user`` is set for keys that moto issued."""

    account: str
    arn: str
    role: str | None = None
    user: str | None = None

    @property
    def principal(self) -> str:
        """The ARN that policies name: the role, not its session."""
        return f"arn:aws:iam::{self.account}:role/{self.role}" if self.role else self.arn


def _scope() -> list[str]:
    """Key, date, Region and service that the request is signed with."""
    header = request.headers.get("Authorization", "")
    credential = header.partition("Credential=")[2].partition(",")[0]
    scope = (credential or request.args.get("X-Amz-Credential", "")).split("/")
    return scope if len(scope) == 5 else ["", "", "us-east-1", "", ""]


def caller() -> Caller:
    """Find out who signed the current request."""
    key = _scope()[0]
    account = get_account_id_from(key)
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    if session is not None:
        return Caller(account, session.arn, role=session.role_arn.split("/")[-1])
    for user in iam_backends[account]["aws"].users.values():
        if any(one.access_key_id == key for one in user.access_keys):
            return Caller(account, user.arn, user=user.name)
    return Caller(account, f"arn:aws:iam::{account}:user/moto")


def context(who: Caller) -> dict[str, str | list[str]]:
    """The condition keys of the current request."""
    keys: dict[str, Any] = {
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
        "aws:PrincipalAccount": who.account,
        "aws:PrincipalArn": who.principal,
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false",
        "aws:RequestedRegion": _scope()[2],
        "aws:SourceIp": request.remote_addr or "127.0.0.1",
        "aws:ResourceAccount": who.account,
        "s3:ResourceAccount": who.account,
    }
    if who.role:
        keys["aws:MultiFactorAuthPresent"] = "false"
    for name, value in request.headers.items():
        if name.lower().startswith("x-amz-server-side-encryption"):
            keys[f"s3:{name.lower()}"] = value
    for name in ("prefix", "delimiter"):
        if name in request.args:
            keys[f"s3:{name}"] = request.args[name]
    keys.update(json.loads(request.headers.get("X-Emulator-Context", "{}")))
    return {name: value for name, value in keys.items() if value is not None}


def _identity_policies(who: Caller) -> Iterator[dict[str, Any]]:
    iam = iam_backends[who.account]["aws"]
    identity: Any = iam.get_role(who.role) if who.role else iam.get_user(str(who.user))
    for document in identity.policies.values():
        yield json.loads(document)
    for policy in identity.managed_policies.values():
        yield _current_version(policy)


def _current_version(policy: Any) -> dict[str, Any]:
    document = next(version.document for version in policy.versions if version.is_default)
    return dict(json.loads(document))


def _boundary(who: Caller) -> dict[str, Any] | None:
    iam = iam_backends[who.account]["aws"]
    arn = iam.get_role(who.role).permissions_boundary_arn if who.role else None
    return _current_version(iam.get_policy(arn)) if arn else None


def _permitted(who: Caller, action: str, resource: str, extra: dict[str, Any]) -> bool:
    call = Call(action, resource, who.principal, context(who) | extra)
    boundary = _boundary(who)
    if boundary is not None and judge(boundary, call) is not Verdict.ALLOW:
        return False
    return judge_all(_identity_policies(who), call) is Verdict.ALLOW


def key_permitted(who: Caller, key: str, action: str, service: str) -> bool:
    """May the caller use the key of an encrypted object or secret, through that service?"""
    region = _scope()[2]
    kms = kms_backends[who.account][region]
    key_id = kms.any_id_to_key_id(key)
    if key_id not in kms.keys:
        return True  # an AWS managed key: everyone in the account may, through its service
    arn = kms.keys[key_id].arn
    extra = {
        "kms:ViaService": f"{service}.{region}.amazonaws.com",
        "kms:CallerAccount": who.account,
    }
    call = Call(action, arn, who.principal, context(who) | extra)
    if judge(json.loads(kms.keys[key_id].policy), call) is Verdict.DENY:
        return False
    return _permitted(who, action, arn, extra)


def _s3_key_permitted(response: Any, who: Caller, action: str) -> bool:
    bucket = response.backend.buckets.get(response.bucket_name)
    if bucket is None:
        return True
    if action in ("s3:GetObject", "s3:GetObjectVersion"):
        found = response.backend.get_object(response.bucket_name, response.parse_key_name())
        if found is None or found.encryption != "aws:kms":
            return True
        return key_permitted(who, found.kms_key_id or "alias/aws/s3", "kms:Decrypt", "s3")
    if action == "s3:PutObject":
        key = response.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        rule = ((bucket.encryption or {}).get("Rule") or {}).get(
            "ApplyServerSideEncryptionByDefault", {}
        )
        if not key and rule.get("SSEAlgorithm") == "aws:kms":
            key = rule.get("KMSMasterKeyID")
        return not key or key_permitted(who, key, "kms:GenerateDataKey", "s3")
    return True


def _resource_of(response: Any, service: str, account: str) -> str:
    """The ARN that a request of a service other than S3 is about; "*" where none is known."""
    region = _scope()[2]
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
            tail = f"log-stream:{stream}" if stream else "*"
            return f"arn:aws:logs:{region}:{account}:log-group:{group}:{tail}" if group else "*"
        if service == "sns":
            return str(response._get_param("TopicArn") or "*")
        if service == "lambda":
            name = request.path.split("/functions/")[1].split("/")[0]
            return f"arn:aws:lambda:{region}:{account}:function:{name}"
    except (KeyError, IndexError, TypeError, AttributeError):
        return "*"
    return "*"


def _keys_of(response: Any, service: str) -> dict[str, Any]:
    """Condition keys that a service takes from its own request."""
    if service == "secretsmanager":
        # Whether AWS adds AWSCURRENT where nothing is named is not documented: here it does not.
        named = ("VersionStage", "VersionId")
        asked = {name: response._get_param(name) for name in named}
        return {f"secretsmanager:{name}": value for name, value in asked.items() if value}
    if service == "monitoring":
        return {"cloudwatch:namespace": response._get_param("Namespace") or ""}
    return {}


def refuse(response: Any, service: str, who: Caller, action: str, resource: str) -> None:
    """Raise the error with which a service refuses what is not permitted."""
    if service == "s3":
        raise S3AccessDeniedError
    message = f"User: {who.arn} is not authorized to perform: {action} on resource: {resource}"
    protocol = get_service_model(response.boto3_service_name).protocol
    if "json" in protocol:
        error = JsonRESTError("AccessDeniedException", message)
        error.code = 400
        raise error
    raise AccessDeniedError(who.arn, f"{action} on resource: {resource}")


def hold_issued_keys_to_their_policies() -> None:
    """Whoever uses keys that moto issued may do what its policies allow, and no more."""
    original = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        who = caller()
        if not (who.role or who.user):
            original(self, iam_request_cls, resource)
            return
        service = _scope()[3]
        # S3 tells its actions by method and path; moto notes the name it has found.
        operation = self.data["Action"] if service == "s3" else self._get_action()
        action = f"{_PREFIXES.get(service, service)}:{operation}"
        action = _ACTIONS.get(action, action)
        if action == "sts:GetCallerIdentity":
            return
        if resource == "*":
            resource = _resource_of(self, service, who.account)
        allowed = _permitted(who, action, resource, _keys_of(self, service))
        if allowed and service == "s3":
            allowed = _s3_key_permitted(self, who, action)
        if allowed and action in _QUEUE_KEY_ACTIONS and resource != "*":
            queue: Any = sqs_backends[who.account][_scope()[2]].get_queue(resource.split(":")[-1])
            key = queue.kms_master_key_id
            allowed = not key or key_permitted(who, key, _QUEUE_KEY_ACTIONS[action], "sqs")
        if allowed and action == "secretsmanager:GetSecretValue" and resource != "*":
            region = _scope()[2]
            secret = secretsmanager_backends[who.account][region].secrets[resource]
            key = getattr(secret, "kms_key_id", None)
            allowed = not key or key_permitted(who, key, "kms:Decrypt", "secretsmanager")
        if not allowed:
            refuse(self, service, who, action, resource)

    put(ActionAuthenticatorMixin, _authenticate_and_authorize_action=authorize)


def judge_bucket_policies_whole() -> None:
    """A bucket's policy is read with its conditions, principals and resources.

    moto takes a Deny for unconditional, which locks everyone out of a bucket that refuses plain
    HTTP, and takes HEAD for an action of its own.
    """

    def get_permission(self: Any, action: str, resource: str) -> PermissionResult:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        action = action.replace("s3:HeadObject", "s3:GetObject")
        if action == "s3:DeleteObject" and "versionId" in request.args:
            action = "s3:DeleteObjectVersion"
        who = caller()
        call = Call(action, resource, who.principal, context(who))
        return _VERDICTS[judge(json.loads(self.policy), call)]

    def _log_permissions_enabled_policy(
        self: Any, target_bucket: Any, target_prefix: str | None
    ) -> bool:
        if not target_bucket.policy:
            return False
        target = f"arn:aws:s3:::{target_bucket.name}/{target_prefix or ''}example"
        keys = {
            "aws:SourceArn": f"arn:aws:s3:::{self.name}",
            "aws:SourceAccount": self.account_id,
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": "logging.s3.amazonaws.com",
        }
        call = Call("s3:PutObject", target, "logging.s3.amazonaws.com", keys)
        return judge(json.loads(target_bucket.policy), call) is Verdict.ALLOW

    put(FakeBucket, get_permission=get_permission)
    put(FakeBucket, _log_permissions_enabled_policy=_log_permissions_enabled_policy)
