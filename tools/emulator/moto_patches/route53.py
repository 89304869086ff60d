"""Patches of Route 53."""

# moto's functions have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.route53 import models

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def prefix_create_hosted_zone_id() -> None:
    """Start the ``Id`` that CreateHostedZone generates with ``Z``.

    moto 5.2.5: generates letters and digits without a fixed first letter.

    AWS: ids of hosted zones start with ``Z``
    (https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html).

    Reason: the settings accept only ids of that form.
    """
    original = models.create_route53_zone_id

    def create_route53_zone_id(*args: Any, **kwargs: Any) -> str:
        return f"Z{original(*args, **kwargs)[1:]}"

    replace(models, create_route53_zone_id=create_route53_zone_id)
