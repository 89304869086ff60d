"""Names and ids of availability zones."""

from __future__ import annotations

import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from lib.settings.fields import PARTITIONS
from lib.settings.regions import REGIONS
from lib.zones import UNSUITABLE_ZONES, default_zones, is_zone_id, is_zone_of

ZONES = {
    region: {zone.zone_id for zone in zones}
    for region, zones in RegionsAndZonesBackend.zones.items()
    if REGIONS.get(region) in PARTITIONS
}


@pytest.mark.parametrize("region", sorted(ZONES))
def test_default_zones_exist_and_are_suitable(region: str) -> None:
    zones = default_zones(region)
    assert {*zones} <= ZONES[region] - UNSUITABLE_ZONES
    assert len({*zones}) == (0 if region == "us-west-1" else 2)


@pytest.mark.parametrize("region", sorted(ZONES))
def test_zones_belong_to_one_region(region: str) -> None:
    for zone in ZONES[region]:
        assert is_zone_id(zone)
        assert [one for one in REGIONS if is_zone_of(one, zone)] == [region]
    assert is_zone_of(region, f"{region}a")
    assert not is_zone_id(f"{region}a")


def test_local_zones_belong_to_their_region() -> None:
    for zone in ("us-west-2-lax-1a", "usw2-lax1-az1"):
        assert is_zone_of("us-west-2", zone)
        assert not is_zone_of("us-west-1", zone)
