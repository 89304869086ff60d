"""Route 53: zones are named as AWS names them."""

# moto's functions have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.route53 import models


def begin_the_ids_of_zones_with_z() -> None:
    """The id of a hosted zone begins with Z, by which it can be told from other ids.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html
    """
    original = models.create_route53_zone_id

    def create(*args: Any, **kwargs: Any) -> str:
        return f"Z{original(*args, **kwargs)[1:]}"

    models.create_route53_zone_id = create
