"""SSM parameters with which a deployment configures its instances."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from lib.context import Context
from lib.suppressions import suppress


class Parameters(Construct):
    """Creates SSM parameters under the prefix `/<system>-<suffix>`; each method call creates one.

    A name may have levels, such as `database/endpoint`. Guarantee: a secret is a SecureString that
    is encrypted with the key of the context, and its value is in neither state nor plan.
    """

    def __init__(self, scope: Construct, id_: str, *, context: Context) -> None:
        super().__init__(scope, id_)
        self._context = context
        context.key.allow_via_service("ssm")
        self.prefix = f"/{context.naming.deployment}"

    def text(self, name: str, value: str) -> SsmParameter:
        """Create a parameter for a value that is not a secret; plans show it."""
        parameter = self._add(name, "String")
        # Plans hide `value` for every type.
        parameter.insecure_value = value
        suppress(
            parameter,
            since="2026-11",
            reasons={"CKV2_AWS_34": "A name or an address is not a secret"},
        )
        return parameter

    def secret(
        self, name: str, value: str, version: int, *, replace_with: str | None = None
    ) -> SsmParameter:
        """Create a SecureString; `value` may contain references to ephemeral values.

        Terraform does not detect changes of such a value: it is written again when `version` or the
        attribute with the address `replace_with` changes.
        """
        parameter = self._add(name, "SecureString")
        parameter.key_id = self._context.key.arn
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
            tags=self._context.name_tag(f"{kind}-parameter"),
        )
