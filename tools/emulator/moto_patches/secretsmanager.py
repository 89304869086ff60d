"""Patches of Secrets Manager: staging labels, rotation and resource policies of secrets."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import json
import time
from typing import Any

from moto.awslambda.utils import get_backend
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_api._internal import mock_random
from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import (
    FakeSecret,
    SecretsManagerBackend,
    secretsmanager_backends,
)
from moto.secretsmanager.responses import SecretsManagerResponse

from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.authorization import (
    condition_context,
    credential_scope,
    current_caller,
    raise_access_denied,
)
from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def preserve_put_secret_value_version_stages() -> None:
    """Keep the other labels of a version that loses ``AWSCURRENT`` in PutSecretValue.

    moto 5.2.5: replaces all labels of that version by ``AWSPREVIOUS``.

    AWS: adds ``AWSPREVIOUS`` and keeps the labels that the new version does not take over.

    Reason: a version with ``AWSPENDING`` would lose that label, and the provider would plan to
    restore it.
    """

    def reset_default_version(self: Any, secret_version: dict[str, Any], version_id: str) -> None:
        previous = self.versions.get(self.default_version_id)
        self.remove_version_stages_from_old_versions(
            ["AWSPREVIOUS", *secret_version["version_stages"]]
        )
        if previous is not None and previous is not secret_version:
            previous["version_stages"].append("AWSPREVIOUS")
        self.versions[version_id] = secret_version
        self.default_version_id = version_id

    replace(FakeSecret, reset_default_version=reset_default_version)


@moto_patch
def return_get_secret_value_current_version() -> None:
    """Return the version labelled ``AWSCURRENT`` from GetSecretValue without id or label.

    moto 5.2.5: returns the version that last became current by PutSecretValue, also after
    UpdateSecretVersionStage has moved the label.

    AWS: returns the version that has the label ``AWSCURRENT``.

    Reason: a caller would read the previous password after a rotation.
    """
    original = SecretsManagerBackend.update_secret_version_stage

    def update_secret_version_stage(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        response = original(self, secret_id, *args, **kwargs)
        secret = self.secrets[secret_id]
        for version_id, version in secret.versions.items():
            if "AWSCURRENT" in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return response

    replace(SecretsManagerBackend, update_secret_version_stage=update_secret_version_stage)


@moto_patch
def start_rotate_secret_steps() -> None:
    """Start a rotation with a version that only has AWSPENDING, and reject a second rotation.

    moto 5.2.5: rejects a rotation if AWSPENDING and AWSCURRENT are labels of one version, makes the
    new version current before the function runs, and leaves the version of a test.

    AWS: rejects a rotation if AWSPENDING is the label of another version than AWSCURRENT; the
    function moves AWSCURRENT in the last step; without RotateImmediately only the step testSecret
    runs, with a version that is deleted afterwards.

    Reason: the function would find a version without AWSPENDING, and Terraform could not configure
    a rotation after the first one. The step testSecret is not run, because the emulator stores the
    events of invocations.
    """

    def rotate_secret(
        self: Any,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: dict[str, Any] | None = None,
        rotate_immediately: bool = True,
    ) -> str:
        secret = self.secrets[secret_id]
        for version in secret.versions.values():
            labels = version["version_stages"]
            if "AWSPENDING" in labels and "AWSCURRENT" not in labels:
                raise InvalidRequestException("Previous rotation request is still in progress.")
        secret.rotation_lambda_arn = rotation_lambda_arn or secret.rotation_lambda_arn
        if not secret.rotation_lambda_arn:
            raise InvalidRequestException("No Lambda rotation function ARN is associated.")
        if rotation_rules:
            secret.auto_rotate_after_days = rotation_rules.get("AutomaticallyAfterDays", 0)
            secret.next_rotation_date = int(time.time()) + secret.auto_rotate_after_days * 86_400
        secret.rotation_enabled = secret.rotation_requested = True
        if rotate_immediately:
            _start_rotation(self, secret, client_request_token or str(mock_random.uuid4()))
        return str(secret.to_short_dict())

    replace(SecretsManagerBackend, rotate_secret=rotate_secret)


def _start_rotation(backend: Any, secret: Any, version_id: str) -> None:
    secret.remove_version_stages_from_old_versions(["AWSPENDING"])
    secret.versions[version_id] = {
        "createdate": int(time.time()),
        "version_id": version_id,
        "version_stages": ["AWSPENDING"],
    }
    functions: Any = get_backend(backend.account_id, backend.region_name)
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": version_id}
        functions.invoke(secret.rotation_lambda_arn, None, json.dumps(event))


@moto_patch
def deny_requests_by_secret_policies() -> None:
    """Deny requests that a Deny statement of the resource policy of a secret matches.

    moto 5.2.5: stores resource policies and does not evaluate them.

    AWS: a Deny statement of a resource policy applies to every principal except the service.

    Reason: the tests verify that other accounts and principals cannot read the secret, and that
    Terraform and the database administrator can.
    """

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        # Looked up at each call: the patches of `iam` replace it.
        authorize_action: Any = ActionAuthenticatorMixin._authenticate_and_authorize_action
        authorize_action(self, iam_request_cls, resource)
        caller, region = current_caller(), credential_scope().region
        secrets: Any = secretsmanager_backends[caller.account][region].secrets
        secret_id = self._get_param("SecretId")
        if not secret_id or secret_id not in secrets or not secrets[secret_id].policy:
            return
        secret, action = secrets[secret_id], f"secretsmanager:{self._get_action()}"
        given = Request(action, secret.arn, caller.principal, condition_context(caller))
        if evaluate([secret.policy], given) is Decision.DENY:
            raise_access_denied(self, "secretsmanager", caller, action, secret.arn)

    replace(SecretsManagerResponse, _authenticate_and_authorize_action=authorize)
