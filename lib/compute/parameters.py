"""SSM parameters: what a deployment tells its own instances."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from lib.context import Foundation
from lib.suppressions import suppress


class Parameters(Construct):
    """Creates SSM parameters under the prefix `/<system>-<suffix>`, each by a method's call.

    A name may have levels, as `database/endpoint` has. Guarantee: a secret is a SecureString under
    our key, and its value lies in neither state nor plan.
    """

    def __init__(self, scope: Construct, id_: str, *, foundation: Foundation) -> None:
        super().__init__(scope, id_)
        self._settings, self._key = foundation.settings, foundation.key
        self.prefix = f"/{self._settings.deployment}"

    def text(self, name: str, value: str) -> SsmParameter:
        """Create a parameter for a name or an address, which plans may show."""
        parameter = self._add(name, "String")
        # `value` is hidden in plans whatever the type.
        parameter.insecure_value = value
        suppress(
            parameter,
            since="2026-11",
            reasons={"CKV2_AWS_34": "A name or an address, which is no secret"},
        )
        return parameter

    def secret(
        self, name: str, value: str, version: int, *, replace_with: str | None = None
    ) -> SsmParameter:
        """Create a SecureString; `value` may hold references to ephemeral values.

        Terraform cannot see that such a value has changed: it is written again when `version`
        changes, or the attribute whose address is `replace_with`.
        """
        parameter = self._add(name, "SecureString")
        parameter.key_id = self._key.arn
        parameter.value_wo = value
        parameter.value_wo_version = version
        if replace_with:
            parameter.lifecycle = TerraformResourceLifecycle(replace_triggered_by=[replace_with])
        return parameter

    def _add(self, name: str, type_: str) -> SsmParameter:
        kind = name.replace("/", "-")
        return SsmParameter(
            self,
            kind,
            name=f"{self.prefix}/{name}",
            type=type_,
            tags=self._settings.name_tag(f"{kind}-parameter"),
        )
