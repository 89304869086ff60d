"""Authorization of requests to moto, by policies that AWS would evaluate.

moto evaluates neither conditions nor most resources. The patches of ``moto_patches`` call this
module instead:

- Bucket policies, and the Deny statements of queue policies, apply to every request.
- A caller with an access key that moto issued (AssumeRole, CreateAccessKey) requires an Allow of
  its identity policies, within its permissions boundary, also for the KMS key of an encrypted
  object, secret, parameter or queue.
- Any other access key (``test``, which Terraform uses) has all permissions, as an administrator.

Not evaluated: policies of other resources, session policies, signatures. Each request counts as
sent over TLS 1.3. The header ``X-Emulator-Context`` overrides condition keys of one request; see
``Emulator.client(condition_keys=...)``.
"""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import request
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from, iam_backends
from moto.kms.models import kms_backends
from moto.s3.exceptions import S3AccessDeniedError
from moto.sts.models import sts_backends

from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.process import CONTEXT_HEADER

ConditionContext = dict[str, str | list[str]]
"""Condition keys of a request with one value or several."""


@dataclass(frozen=True)
class Caller:
    """The principal that signed a request; ``role`` or ``user`` is set if moto issued its key."""

    account: str
    arn: str
    role: str | None = None
    user: str | None = None

    @property
    def has_issued_key(self) -> bool:
        """Whether moto issued the access key, so that the caller's policies apply."""
        return bool(self.role or self.user)

    @property
    def principal(self) -> str:
        """The ARN that policies name: the role instead of its session."""
        return f"arn:aws:iam::{self.account}:role/{self.role}" if self.role else self.arn


@dataclass(frozen=True)
class CredentialScope:
    """Access key, Region and service for which a request is signed (Signature Version 4)."""

    access_key: str
    region: str
    service: str


def credential_scope() -> CredentialScope:
    """Return the scope of the current request; us-east-1 and no service for unsigned requests."""
    header = request.headers.get("Authorization", "")
    credential = header.partition("Credential=")[2].partition(",")[0]
    # KEY/20260101/us-east-1/SERVICE/aws4_request
    parts = (credential or request.args.get("X-Amz-Credential", "")).split("/")
    if len(parts) != 5:
        return CredentialScope("", "us-east-1", "")
    return CredentialScope(parts[0], parts[2], parts[3])


def current_caller() -> Caller:
    """Return the caller of the current request."""
    access_key = credential_scope().access_key
    account = get_account_id_from(access_key)
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    if session is not None:
        return Caller(account, session.arn, role=session.role_arn.split("/")[-1])
    for user in iam_backends[account]["aws"].users.values():
        if any(key.access_key_id == access_key for key in user.access_keys):
            return Caller(account, user.arn, user=user.name)
    return Caller(account, f"arn:aws:iam::{account}:user/moto")


def condition_context(caller: Caller) -> ConditionContext:
    """Return the condition keys of the current request."""
    keys: dict[str, Any] = {
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.principal,
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false",
        "aws:RequestedRegion": credential_scope().region,
        "aws:SourceIp": request.remote_addr or "127.0.0.1",
        "aws:ResourceAccount": caller.account,
        "s3:ResourceAccount": caller.account,
    }
    if caller.role:
        keys["aws:MultiFactorAuthPresent"] = "false"
    for name, value in request.headers.items():
        if name.lower().startswith("x-amz-server-side-encryption"):
            keys[f"s3:{name.lower()}"] = value
    for name in ("prefix", "delimiter"):
        if name in request.args:
            keys[f"s3:{name}"] = request.args[name]
    keys.update(json.loads(request.headers.get(CONTEXT_HEADER, "{}")))
    return {name: value for name, value in keys.items() if value is not None}


def _identity_policies(caller: Caller) -> Iterator[dict[str, Any]]:
    iam = iam_backends[caller.account]["aws"]
    identity: Any = iam.get_role(caller.role) if caller.role else iam.get_user(str(caller.user))
    for document in identity.policies.values():
        yield json.loads(document)
    for policy in identity.managed_policies.values():
        yield _default_version(policy)


def _default_version(policy: Any) -> dict[str, Any]:
    document = next(version.document for version in policy.versions if version.is_default)
    return dict(json.loads(document))


def _permissions_boundary(caller: Caller) -> dict[str, Any] | None:
    iam = iam_backends[caller.account]["aws"]
    arn = iam.get_role(caller.role).permissions_boundary_arn if caller.role else None
    return _default_version(iam.get_policy(arn)) if arn else None


def is_action_allowed(
    caller: Caller, action: str, resource: str, service_context: ConditionContext
) -> bool:
    """Return whether identity policies and permissions boundary allow an action.

    ``service_context`` holds condition keys that the service adds to those of every request.
    """
    context = {**condition_context(caller), **service_context}
    api_request = Request(action, resource, caller.principal, context)
    boundary = _permissions_boundary(caller)
    if boundary is not None and evaluate([boundary], api_request) is not Decision.ALLOW:
        return False
    return evaluate(_identity_policies(caller), api_request) is Decision.ALLOW


def is_key_use_allowed(caller: Caller, key: str, action: str, service: str) -> bool:
    """Return whether the caller may use a KMS key through a service.

    ``key`` is an id, an ARN or an alias. Key policies are evaluated for explicit denials only. An
    AWS managed key, which moto does not store, is allowed.
    """
    region = credential_scope().region
    kms = kms_backends[caller.account][region]
    key_id = kms.any_id_to_key_id(key)
    if key_id not in kms.keys:
        return True
    arn = kms.keys[key_id].arn
    key_context: ConditionContext = {
        "kms:ViaService": f"{service}.{region}.amazonaws.com",
        "kms:CallerAccount": caller.account,
    }
    context = {**condition_context(caller), **key_context}
    key_request = Request(action, arn, caller.principal, context)
    if evaluate([kms.keys[key_id].policy], key_request) is Decision.DENY:
        return False
    return is_action_allowed(caller, action, arn, key_context)


def raise_access_denied(
    response: Any, service: str, caller: Caller, action: str, resource: str
) -> NoReturn:
    """Raise moto's error for a denied request, in the form of the service's protocol."""
    if service == "s3":
        raise S3AccessDeniedError
    message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    protocol = get_service_model(response.boto3_service_name).protocol
    if "json" in protocol:
        error = JsonRESTError("AccessDeniedException", message)
        error.code = 400
        raise error
    raise AccessDeniedError(caller.arn, f"{action} on resource: {resource}")
