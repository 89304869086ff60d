"""Patches of STS: temporary credentials with MFA."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from tools.emulator.authorization import current_caller, record_session
from tools.emulator.moto_patches.patching import moto_patch, replace


def _mfa_time(response: Any) -> datetime | None:
    """When the caller used an MFA device; None for a request without its token."""
    token = response._get_param("SerialNumber") and response._get_param("TokenCode")
    return datetime.now(UTC) if token else None


@moto_patch
def issue_get_session_token_credentials() -> None:
    """Issue an access key of its own in GetSessionToken, which remembers the use of MFA.

    moto 5.2.5: returns the same constant access key to every caller.

    AWS: issues credentials of the caller; with a token of an MFA device, requests with them have
    the condition keys ``aws:MultiFactorAuthPresent`` and ``aws:MultiFactorAuthAge``.

    Reason: the buckets deny deletion without a recent use of MFA.
    """
    original = TokenResponse.get_session_token

    def get_session_token(self: Any) -> Any:
        result: Any = original(self).result
        access_key = f"ASIA{uuid.uuid4().hex[:16].upper()}"
        record_session(access_key, current_caller(), _mfa_time(self))
        result["Credentials"]["AccessKeyId"] = access_key
        return ActionResult(result)

    replace(TokenResponse, get_session_token=get_session_token)


@moto_patch
def record_assume_role_mfa() -> None:
    """Record in AssumeRole that the caller used MFA.

    moto 5.2.5: ignores ``SerialNumber`` and ``TokenCode``.

    AWS: requests with the credentials have the condition keys of the use of MFA.

    Reason: the break-glass role deletes objects of buckets that require MFA.
    """
    original = TokenResponse.assume_role

    def assume_role(self: Any) -> Any:
        answer = original(self)
        result: Any = answer.result
        record_session(result["Credentials"].access_key_id, None, _mfa_time(self))
        return answer

    replace(TokenResponse, assume_role=assume_role)
