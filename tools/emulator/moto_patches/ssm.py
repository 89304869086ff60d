"""Patches of Systems Manager: authorization of parameters."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.ssm.models import ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from tools.emulator.authorization import current_caller, is_key_use_allowed, raise_access_denied
from tools.emulator.moto_patches.patching import moto_patch, replace

_READ_OPERATIONS = ("GetParameter", "GetParameters", "GetParametersByPath")


@moto_patch
def authorize_get_parameter_resources() -> None:
    """Authorize GetParameter, GetParameters and GetParametersByPath for each parameter or path.

    moto 5.2.5: authorizes every request for the resource ``*``.

    AWS: requires the action for the ARN of each parameter or path, and ``kms:Decrypt`` for the key
    of each ``SecureString`` that is decrypted.

    Reason: a policy that names single parameters would deny every request.
    """

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        # Looked up at each call: the patches of ``iam`` replace it.
        authorize_action: Any = ActionAuthenticatorMixin._authenticate_and_authorize_action
        if self._get_action() not in _READ_OPERATIONS:
            authorize_action(self, iam_request_cls, resource)
            return
        caller, path = current_caller(), self._get_param("Path")
        names = self._get_param("Names") or [path or self._get_param("Name")]
        for name in names:
            arn = f"arn:aws:ssm:{self.region}:{caller.account}:parameter/{name.lstrip('/')}"
            authorize_action(self, iam_request_cls, arn)
        if not caller.has_issued_key or not self._get_param("WithDecryption"):
            return
        parameters = ssm_backends[caller.account][self.region]._parameters
        for name, versions in list(parameters.items()):
            if not versions or not (name in names or (path and name.startswith(path))):
                continue
            key = versions[-1].keyid
            if key and not is_key_use_allowed(caller, key, "kms:Decrypt", "ssm"):
                raise_access_denied(self, "ssm", caller, "kms:Decrypt", key)

    replace(SimpleSystemManagerResponse, _authenticate_and_authorize_action=authorize)
