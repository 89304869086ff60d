"""Systems Manager: parameters are read by whoever may read that very one."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.ssm.models import ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from tools.emulator.gaps.access import caller, key_permitted, refuse
from tools.emulator.patching import put


def judge_each_parameter_that_is_read() -> None:
    """Reading a parameter needs a right to it, or to its path, and to its key to decrypt it.

    moto knows the resource of no request here, so that only a right to all parameters would do.
    """
    original = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        if self._get_action() not in ("GetParameter", "GetParameters", "GetParametersByPath"):
            original(self, iam_request_cls, resource)
            return
        who, path = caller(), self._get_param("Path")
        named = self._get_param("Names") or [path or self._get_param("Name")]
        for name in named:
            tail = name.lstrip("/")
            arn = f"arn:aws:ssm:{self.region}:{who.account}:parameter/{tail}"
            original(self, iam_request_cls, arn)
        if not (who.role or who.user) or not self._get_param("WithDecryption"):
            return
        kept = ssm_backends[who.account][self.region]._parameters
        for name, versions in list(kept.items()):
            if not versions or not (name in named or (path and name.startswith(path))):
                continue
            key = versions[-1].keyid
            if key and not key_permitted(who, key, "kms:Decrypt", "ssm"):
                refuse(self, "ssm", who, "kms:Decrypt", key)

    put(SimpleSystemManagerResponse, _authenticate_and_authorize_action=authorize)
