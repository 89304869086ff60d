"""Settings of networks: addresses, availability zones, and their validation."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lib.settings.fields import (
    CommaList,
    FieldError,
    Ipv4Network,
    Ipv4Networks,
    Number,
    Section,
)
from lib.settings.regions import REGIONS

LARGEST_VPC_PREFIX = 16
SMALLEST_SUBNET_PREFIX = 28
INTERFACE_ENDPOINTS = {"kms", "secretsmanager"}
# The letters of the first two zones of a Region if they are not a and b. In us-west-1 each account
# has another two of the three zones, so the setting has no default.
ZONE_LETTERS = {"ap-northeast-1": "ac", "us-west-1": ""}

# Public subnets route to an internet gateway, private subnets to a NAT gateway (if there are public
# subnets), isolated subnets to no gateway.
Tier = Literal["public", "private", "isolated"]
TIERS: tuple[Tier, ...] = ("public", "private", "isolated")


def _vpc_prefix_length(value: str) -> str:
    prefix = ipaddress.IPv4Network(value).prefixlen
    if not LARGEST_VPC_PREFIX <= prefix <= SMALLEST_SUBNET_PREFIX:
        raise ValueError("AWS allows a VPC from /16 to /28")
    return value


def _interface_endpoints(names: tuple[str, ...]) -> tuple[str, ...]:
    # An endpoint of another service would deny all requests, because no construct allows any.
    if len(set(names)) != len(names) or not {"secretsmanager"} <= set(names) <= INTERFACE_ENDPOINTS:
        raise ValueError("a duplicate, an unsupported service, or no secretsmanager")
    return names


def first_zones(region: str) -> tuple[str, ...]:
    """The default zones of a network in a Region; none if they depend on the account."""
    letters = ZONE_LETTERS.get(region, "ab") if region in REGIONS else "ab"
    return tuple(f"{region}{letter}" for letter in letters)


SubnetList = Annotated[Ipv4Networks, Field(min_length=1)]


class VpcSettings(Section):
    """Fields of the networks of all stacks."""

    cidr: Annotated[Ipv4Network, AfterValidator(_vpc_prefix_length)] = Field(
        "10.0.0.0/16", description="an IPv4 network between /16 and /28, such as 10.0.0.0/16"
    )
    availability_zones: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="two or more zones of the Region, such as us-east-1a,us-east-1b"
    )
    flow_log_interval_seconds: Annotated[Literal[60, 600], Number] = Field(
        60, description="60 or 600, the intervals that VPC flow logs support"
    )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The AWS services that have an endpoint in the network."""
        return ()

    @property
    def one_nat_gateway(self) -> bool:
        """Whether all zones use one NAT gateway; otherwise each zone has its own."""
        return False

    def subnets(self, tier: Tier) -> tuple[str, ...]:
        """The CIDR blocks of the subnets of a tier, one per zone in the order of zones, or none."""
        return tuple(getattr(self, f"{tier}_subnets", ()))

    @property
    def smallest_subnet_prefix(self) -> int:
        """The prefix length of the smallest subnet that is accepted."""
        return SMALLEST_SUBNET_PREFIX

    def check(self, section: str, region: str) -> None:
        """Raise `FieldError` if a zone is not in the Region, or a subnet does not fit the VPC."""
        zones = self.availability_zones
        if len(set(zones)) < 2 or len(set(zones)) != len(zones):
            raise FieldError(f"{section}.availability_zones", zones, "two or more different zones")
        for zone in zones:
            if not re.fullmatch(rf"{region}(-[a-z0-9-]+-[0-9])?[a-z]", zone):
                raise FieldError(
                    f"{section}.availability_zones", zone, f"zones of the Region {region}"
                )
        self._check_subnets(section)

    def _check_subnets(self, section: str) -> None:
        whole = ipaddress.IPv4Network(self.cidr)
        earlier: list[ipaddress.IPv4Network] = []
        for tier in TIERS:
            field, cidrs = f"{section}.{tier}_subnets", self.subnets(tier)
            if cidrs and len(cidrs) != len(self.availability_zones):
                zones = ",".join(self.availability_zones)
                raise FieldError(
                    field,
                    cidrs,
                    f"{len(self.availability_zones)} subnets, one for each zone ({zones})",
                    f"Correct the subnets, or TAP_{section.upper()}_AVAILABILITY_ZONES.",
                )
            for cidr in cidrs:
                subnet = ipaddress.IPv4Network(cidr)
                if subnet.prefixlen > self.smallest_subnet_prefix:
                    raise FieldError(
                        field, cidr, f"subnets of /{self.smallest_subnet_prefix} or larger"
                    )
                if not subnet.subnet_of(whole):
                    raise FieldError(field, cidr, f"subnets within {section}.cidr, {self.cidr}")
                for other in earlier:
                    if subnet.overlaps(other):
                        raise FieldError(
                            field, cidr, f"subnets without common addresses; {other} overlaps"
                        )
                earlier.append(subnet)


class NetworkSettings(VpcSettings):
    """The VPC of the Test Automation Platform: private subnets and endpoints."""

    subnet_prefix: int = Field(
        24, ge=16, le=SMALLEST_SUBNET_PREFIX, description="a prefix length from 16 to 28"
    )
    interface_endpoints: Annotated[
        tuple[str, ...], CommaList, AfterValidator(_interface_endpoints)
    ] = Field(
        ("secretsmanager",),
        description="secretsmanager, which the function requires, and optionally kms, for code that"
        " calls KMS directly",
    )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """S3 has a gateway endpoint, the other services have interface endpoints."""
        return ("s3", *self.interface_endpoints)

    def subnets(self, tier: Tier) -> tuple[str, ...]:
        """One private subnet per zone, in the order of zones; no subnets of other tiers."""
        if tier != "private":
            return ()
        candidates = ipaddress.IPv4Network(self.cidr).subnets(new_prefix=self.subnet_prefix)
        return tuple(
            str(subnet) for subnet, _ in zip(candidates, self.availability_zones, strict=False)
        )

    def _check_subnets(self, section: str) -> None:
        room = 2 ** (self.subnet_prefix - ipaddress.IPv4Network(self.cidr).prefixlen)
        if room < len(self.availability_zones):
            raise FieldError(
                f"{section}.cidr",
                self.cidr,
                f"a network that contains {len(self.availability_zones)} subnets of"
                f" /{self.subnet_prefix}",
                "Choose a larger network, or smaller subnets with TAP_NETWORK_SUBNET_PREFIX.",
            )
        super()._check_subnets(section)


class RoutedVpcSettings(VpcSettings):
    """A VPC with public subnets, and private subnets that route to NAT gateways."""

    public_subnets: SubnetList = Field(
        ("10.0.1.0/24", "10.0.2.0/24"),
        description="one IPv4 network per zone within that of the VPC, separated by commas",
    )
    private_subnets: SubnetList = Field(
        ("10.0.10.0/24", "10.0.11.0/24"),
        description="one IPv4 network per zone within that of the VPC, separated by commas",
    )
    nat_gateways: Literal["zone", "one"] = Field(
        "zone",
        description="zone (one NAT gateway per zone, so that zones do not depend on each other) or"
        " one (one NAT gateway for all zones, at a lower price)",
    )

    @property
    def one_nat_gateway(self) -> bool:
        """Whether all zones use one NAT gateway; otherwise each zone has its own."""
        return self.nat_gateways == "one"
