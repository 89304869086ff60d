"""Suppressions of rules and checks, in the synthesized JSON of the resource they apply to."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import TerraformElement


def suppress(resource: TerraformElement, *, since: str, reasons: Mapping[str, str]) -> None:
    """Exempt a resource from rules: `suppress(key, since="2026-11", reasons={"CKV_AWS_7": …})`.

    The keys of `reasons` are identifiers of checkov checks, names of rules (`lib/rules`) or, as
    `IAM_<CHECK>`, checks of the IAM policy linter; the values state why the rule does not apply.
    `since` is the month of the decision, YYYY-MM. A suppression that has no effect, or that lacks a
    reason or a valid month, is a violation. Terraform ignores the key `//`.
    """
    for name, reason in reasons.items():
        resource.add_override(f"//.suppressions.{name}", {"reason": reason, "since": since})
