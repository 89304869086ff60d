"""CloudTrail: trails are deleted by ARN as well as by name."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.cloudtrail.models import CloudTrailBackend

from tools.emulator.patching import put


def delete_trails_by_their_arn() -> None:
    """DeleteTrail takes a name or an ARN; moto ignores the ARN, says "done" and keeps the trail."""
    original = CloudTrailBackend.delete_trail

    def delete_trail(self: Any, name: str) -> None:
        original(self, self.get_trail(name).trail_name)

    put(CloudTrailBackend, delete_trail=delete_trail)
