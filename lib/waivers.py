"""Waivers of checks and promises, kept in the synthesized JSON beside the resource they are for."""

from cdktf import TerraformElement


def waive(resource: TerraformElement, since: str = "", /, **reasons: str) -> None:
    """Excuse a resource: `waive(bucket, "2026-11", CKV_AWS_144="one Region by requirement")`.

    Names are those of checkov's checks, of our promises (`lib/promises`) or, as `IAM_<CHECK>`, of
    the linter of IAM policies; `since` is the month of the decision, YYYY-MM. What waives nothing
    or lacks a reason or its month fails `make policy`. Terraform ignores what stands under `//`.
    """
    for name, reason in reasons.items():
        resource.add_override(f"//.waivers.{name}", reason)
        if since:
            resource.add_override(f"//.waived_since.{name}", since)
