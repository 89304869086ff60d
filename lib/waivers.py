"""Waivers of checkov's checks, kept in the synthesized JSON beside the resource they are for."""

from cdktf import TerraformElement


def waive(resource: TerraformElement, **reasons: str) -> None:
    """Waive checks of checkov for one resource: `waive(bucket, CKV_AWS_144="one Region …")`.

    checkov reads no inline skip from Terraform's JSON, so `tools/checkov.py` reads these; Terraform
    ignores whatever stands under `//`.
    """
    for check, reason in reasons.items():
        resource.add_override(f"//.waivers.{check}", reason)
