"""Patches of AWS Config."""

# moto's functions have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.config.exceptions import ResourceNotFoundException
from moto.config.models import ConfigBackend

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def find_list_tags_for_resource_resources() -> None:
    """Find the resource of ListTagsForResource while other requests add resources.

    moto 5.2.5: iterates over the rules themselves, and fails with ``RuntimeError`` when a request
    in another thread adds one.

    AWS: requests do not affect each other
    (https://docs.aws.amazon.com/config/latest/APIReference/API_ListTagsForResource.html).

    Reason: Terraform creates the rules at the same time, and the apply failed occasionally.
    """

    def match_arn(self: Any, resource_arn: str) -> Any:
        attributes = {
            "configuration_aggregator_arn": self.config_aggregators,
            "aggregation_authorization_arn": self.aggregation_authorizations,
            "config_rule_arn": self.config_rules,
        }
        for attribute, resources in attributes.items():
            for resource in [*resources.values()]:
                if getattr(resource, attribute) == resource_arn:
                    return resource
        raise ResourceNotFoundException(resource_arn)

    replace(ConfigBackend, _match_arn=match_arn)
