"""Patches of CloudTrail."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.cloudtrail.models import CloudTrailBackend

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def accept_delete_trail_arn() -> None:
    """Delete the trail that DeleteTrail names by its ARN.

    moto 5.2.5: looks the trail up by name only; given an ARN it returns success and keeps the
    trail.

    AWS: ``Name`` of DeleteTrail accepts the name or the ARN.

    Reason: the provider sends the ARN, so that the trail would outlive ``terraform destroy``.
    """
    original = CloudTrailBackend.delete_trail

    def delete_trail(self: Any, name: str) -> None:
        original(self, self.get_trail(name).trail_name)

    replace(CloudTrailBackend, delete_trail=delete_trail)
