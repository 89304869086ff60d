"""Address ranges: containment, overlap, and which ranges are wide enough to mean the internet.

Everything in the project that classifies an address range uses this module: the settings, the
rules of synthesis, the plan review and the emulator.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The widest range that is accepted as the network of one organization: larger ones are public.
# S3 uses the same limits to decide whether a bucket policy with aws:SourceIp is public.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
WIDEST_PREFIX = {4: 8, 6: 32}
# Ranges that are not routed on the internet, whatever their size: RFC 1918 and RFC 4193.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
# All addresses of IPv6 that are routed on the internet.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def parse_network(cidr: str) -> Network | None:
    """The network that a CIDR block or an address denotes; None for any other text.

    Host bits may be set. Other texts are references of Terraform, ids of security groups and of
    prefix lists, and placeholders of a plan.
    """
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None


def is_public_range(cidr: str) -> bool:
    """Whether a range is wide enough to mean the internet: wider than /8, or for IPv6 than /32.

    `0.0.0.0/0`, `128.0.0.0/1` and `2600::/12` are public; `10.0.0.0/8`, `2001:db8::/32`,
    `fc00::/7` and everything that is not a CIDR block are not.
    """
    return bool(public_ranges([cidr]))


def public_ranges(cidrs: Iterable[str]) -> list[str]:
    """Those of the ranges that together mean the internet, in the given order; else none.

    The ranges of a family are public if they contain more addresses, private ones left out, than
    the widest range that is accepted alone. Two halves of the internet, or two adjacent /8 blocks,
    are public together.
    """
    given = list(dict.fromkeys(cidrs))
    public: set[str] = set()
    for version, prefix in WIDEST_PREFIX.items():
        networks = {one: net for one in given if (net := _routable(one, version)) is not None}
        length = 32 if version == 4 else 128
        if _size(networks.values()) > 2 ** (length - prefix):
            public |= networks.keys()
    return [one for one in given if one in public]


def _routable(cidr: str, version: int) -> Network | None:
    """The network of this family that a CIDR block denotes, if any of it is routed publicly."""
    network = parse_network(cidr)
    if network is None or network.version != version:
        return None
    if any(_is_subnet(network, private) for private in PRIVATE_NETWORKS):
        return None
    if isinstance(network, ipaddress.IPv6Network) and not network.overlaps(GLOBAL_UNICAST):
        return None
    return network


def _size(networks: Iterable[Network]) -> int:
    """The number of addresses in the union of networks of one family."""
    known = list(networks)
    v4 = (one for one in known if isinstance(one, ipaddress.IPv4Network))
    v6 = (one for one in known if isinstance(one, ipaddress.IPv6Network))
    return sum(one.num_addresses for one in ipaddress.collapse_addresses(v4)) + sum(
        one.num_addresses for one in ipaddress.collapse_addresses(v6)
    )


def contains(outer: str, inner: str) -> bool:
    """Whether every address of `inner` is in `outer`; equal texts of any kind contain each other.

    A reference or an id contains only itself, and is contained only in itself.
    """
    if outer == inner:
        return True
    large, small = parse_network(outer), parse_network(inner)
    return large is not None and small is not None and _is_subnet(small, large)


def overlaps(one: str, other: str) -> bool:
    """Whether two CIDR blocks share an address; False where one is not a CIDR block."""
    return contains(one, other) or contains(other, one)


def _is_subnet(small: Network, large: Network) -> bool:
    if isinstance(small, ipaddress.IPv4Network) and isinstance(large, ipaddress.IPv4Network):
        return small.subnet_of(large)
    if isinstance(small, ipaddress.IPv6Network) and isinstance(large, ipaddress.IPv6Network):
        return small.subnet_of(large)
    return False
