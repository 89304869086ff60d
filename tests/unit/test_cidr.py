"""Address ranges: public ones, containment and overlap."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cidr import contains, is_public_range, overlaps, public_ranges


@pytest.mark.parametrize(
    ("cidr", "public"),
    [
        ("0.0.0.0/0", True),
        ("0.0.0.0/1", True),
        ("128.0.0.0/1", True),
        ("52.0.0.0/7", True),
        ("52.0.0.0/8", False),
        ("10.0.0.0/7", True),
        ("10.0.0.0/8", False),
        ("203.0.113.7", False),
        ("::/0", True),
        ("::/1", True),
        ("2000::/3", True),
        ("2600::/12", True),
        ("2600::/31", True),
        ("2600::/32", False),
        ("2001:db8::1/32", False),
        ("fc00::/7", False),
        ("fe80::/10", False),
        ("sg-1", False),
        ("${aws_vpc.Network.cidr_block}", False),
        ("(known after apply)", False),
        ("", False),
    ],
)
def test_ranges_wider_than_the_limit_of_their_family_are_public(cidr: str, public: bool) -> None:
    assert is_public_range(cidr) is public


@pytest.mark.parametrize(
    ("cidrs", "public"),
    [
        (["52.0.0.0/8", "53.0.0.0/8", "sg-1"], ["52.0.0.0/8", "53.0.0.0/8"]),
        (["52.0.0.0/8", "99.0.0.0/9"], ["52.0.0.0/8", "99.0.0.0/9"]),
        (["52.0.0.0/9", "52.128.0.0/9", "52.1.0.0/16"], []),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "52.0.0.0/8"], []),
        (["2600::/32", "2600:1::/32"], ["2600::/32", "2600:1::/32"]),
        (["0.0.0.0/0", "2600::/32"], ["0.0.0.0/0"]),
        (["203.0.113.0/24"] * 3, []),
        ([], []),
    ],
)
def test_ranges_that_are_public_only_together_are_found(
    cidrs: list[str], public: list[str]
) -> None:
    assert public_ranges(cidrs) == public


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("10.0.0.0/8", "10.1.0.0/16", True),
        ("10.1.0.0/16", "10.0.0.0/8", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("::/0", "10.0.0.0/8", False),
        ("2600::/12", "2600::/32", True),
        ("sg-1", "sg-1", True),
        ("0.0.0.0/0", "sg-1", False),
    ],
)
def test_containment(outer: str, inner: str, expected: bool) -> None:
    assert contains(outer, inner) is expected


def test_ranges_overlap_if_one_contains_the_other() -> None:
    assert overlaps("10.0.0.0/8", "10.1.0.0/16")
    assert overlaps("10.1.0.0/16", "10.0.0.0/8")
    assert not overlaps("10.1.0.0/16", "10.2.0.0/16")
    assert not overlaps("10.1.0.0/16", "sg-1")


v4 = st.builds(
    lambda address, prefix: str(ipaddress.ip_network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(v4, st.integers(0, 8))
def test_splitting_a_range_does_not_change_whether_it_is_public(cidr: str, bits: int) -> None:
    network = ipaddress.IPv4Network(cidr)
    parts = [str(one) for one in network.subnets(new_prefix=min(32, network.prefixlen + bits))]
    # A private part does not count, so only ranges without one are compared.
    if not overlaps(cidr, "10.0.0.0/8") and not overlaps(cidr, "172.16.0.0/12"):
        assert bool(public_ranges(parts)) is is_public_range(cidr)


@given(v4, v4)
def test_containment_agrees_with_the_addresses(outer: str, inner: str) -> None:
    large, small = ipaddress.IPv4Network(outer), ipaddress.IPv4Network(inner)
    expected = large[0] <= small[0] and small[-1] <= large[-1]
    assert contains(outer, inner) is expected
