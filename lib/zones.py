"""Availability zones of Regions: their names, their ids, and the default zones of networks.

A name such as `us-east-1a` denotes another zone in each account that is older than November 2025; a
zone id such as `use1-az1` denotes the same zone in all accounts.
https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
"""

from __future__ import annotations

import re

# The words of a Region's name in the ids of its zones: us-gov-west-1 has usgw1-az1.
_ABBREVIATIONS = {
    **{"north": "n", "south": "s", "east": "e", "west": "w", "central": "c", "gov": "g"},
    **{"northeast": "ne", "southeast": "se"},
}
# The numbers of the default zones if they are not 1 and 2. In us-west-1 each account has another
# two of three zones. In ap-northeast-2 and sa-east-1 zone 2 has fewer services.
_DEFAULT_NUMBERS: dict[str, tuple[int, ...]] = {
    "us-west-1": (),
    "ap-northeast-2": (1, 3),
    "sa-east-1": (1, 3),
}
# Zones without Lambda functions in VPCs and without current instance types such as t3.
UNSUITABLE_ZONES = frozenset({"use1-az3"})


def zone_id_prefix(region: str) -> str:
    """The start of the zone ids of a Region: `use1` for us-east-1."""
    place, *words, number = region.split("-")
    return place + "".join(_ABBREVIATIONS.get(word, word) for word in words) + number


def is_zone_id(zone: str) -> bool:
    """Whether a zone is denoted by its id; otherwise it is a name."""
    return re.search(r"-az[0-9]+$", zone) is not None


def is_zone_of(region: str, zone: str) -> bool:
    """Whether a name or an id has the form of a zone of the Region or of its Local Zones."""
    name = rf"{region}(-[a-z0-9-]+-[0-9])?[a-z]"
    id_ = rf"{zone_id_prefix(region)}(-[a-z0-9]+)?-az[0-9]+"
    return re.fullmatch(f"{name}|{id_}", zone) is not None


def default_zones(region: str) -> tuple[str, ...]:
    """The ids of the default zones of a network in a Region; none if they depend on the account."""
    numbers = _DEFAULT_NUMBERS.get(region, (1, 2))
    return tuple(f"{zone_id_prefix(region)}-az{number}" for number in numbers)
