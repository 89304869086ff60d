"""The contents of a diagram: the VPC, its subnets, and tiles; each resource is part of one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from lib.template import Resource
from tools.diagrams import kinds
from tools.diagrams.kinds import KINDS, Kind
from tools.diagrams.model import StackModel

TIERS = ("Public", "Private", "Isolated")


@dataclass
class Item:
    """A box of the diagram, with the resources that it represents."""

    key: str
    title: str
    members: list[Resource] = field(default_factory=list)

    @property
    def types(self) -> Counter[str]:
        """The number of resources by type."""
        return Counter(member.type for member in self.members)


@dataclass
class Subnet(Item):
    """A subnet of a tier in an Availability Zone."""

    tier: str = ""
    zone: str = ""


@dataclass
class Tile(Item):
    """A tile: one resource with its parts, or all resources of one type.

    ``subnets`` are the keys of the subnets that contain it; ``encrypted`` means that a part refers
    to a KMS key.
    """

    kind: Kind = field(kw_only=True)
    head: Resource = field(kw_only=True)
    subnets: list[str] = field(default_factory=list)
    encrypted: bool = False

    @property
    def family(self) -> str:
        """The family of services, a key of ``kinds.FAMILIES``."""
        return kinds.family_of(self.head.type)

    @property
    def subtitle(self) -> str:
        """The second line of the tile."""
        subtitle = self.kind.subtitle
        if self.kind.merged:
            return f"{self.types[self.head.type]} {subtitle}"
        if callable(subtitle):
            return subtitle(self.head.body)
        return subtitle.format_map(self.head.body | self.types)


class Contents:
    """The items of a diagram of one stack; every resource is a member of exactly one.

    Raises ``ValueError`` for a resource that is part of no item.
    """

    def __init__(self, stack: StackModel) -> None:
        self.stack = stack
        self.vpc: Item | None = None
        self.subnets: dict[str, Subnet] = {}
        self.tiles: dict[str, Tile] = {}
        self._item_of: dict[str, Item] = {}
        self._by_path: dict[str, Item] = {}
        for resource in stack.resources:
            self._create_item(resource)
        for resource in stack.resources:
            item = self.item_of(resource)
            if resource not in item.members:
                item.members.append(resource)
        for tile in self.tiles.values():
            tile.encrypted = tile.head.type != "aws_kms_key" and any(
                other.type == "aws_kms_key"
                for member in tile.members
                for other in stack.references_of(member)
            )

    def items(self) -> list[Item]:
        """Return the VPC, the subnets and the tiles."""
        return [*([self.vpc] if self.vpc else []), *self.subnets.values(), *self.tiles.values()]

    def item_of(self, resource: Resource) -> Item:
        """Return the item that a resource is part of."""
        if resource.address not in self._item_of:
            self._item_of[resource.address] = self._owner_of(resource)
        return self._item_of[resource.address]

    def _create_item(self, resource: Resource) -> None:
        """Create the item of a resource that is drawn, or add the resource to a merged tile."""
        item: Item | None = None
        title = kinds.title_of(resource.path)
        if resource.type == "aws_vpc":
            item = self.vpc = Item("vpc", f"VPC  {resource.body['cidr_block']}")
        elif resource.type == "aws_subnet":
            tier = re.sub(r"Subnet\d*$", "", resource.path.rpartition("/")[2])
            text = f"{tier} subnet  {resource.body['cidr_block']}"
            zone = resource.body["availability_zone"]
            item = Subnet(resource.address, text, tier=tier, zone=zone)
            self.subnets[item.key] = item
        elif kind := self._kind_of(resource):
            key = resource.type if kind.merged else resource.address
            if key not in self.tiles:
                self.tiles[key] = Tile(key, kind.merged or title, kind=kind, head=resource)
                self.tiles[key].subnets = self._subnets_of(resource)
            item = self.tiles[key]
        if item:
            item.members.append(resource)
            self._item_of[resource.address] = item
            self._by_path[resource.path] = item

    def _kind_of(self, resource: Resource) -> Kind | None:
        """Return how a resource is drawn; None for a resource that is part of another item."""
        stack = self.stack
        if resource.type == "aws_security_group":
            return None if self._referrers(resource) else kinds.UNUSED_SECURITY_GROUP
        if resource.type == "aws_s3_bucket":
            notifying = [
                each.body["bucket"] for each in stack.of_type("aws_s3_bucket_notification")
            ]
            if resource in stack.references_in(notifying):
                return kinds.NOTIFYING_BUCKET
            for (type_, argument), kind in kinds.LOG_BUCKETS.items():
                destinations = [each.body.get(argument) for each in stack.of_type(type_)]
                if resource in stack.references_in(destinations):
                    return kind
        return KINDS.get(resource.type)

    def _referrers(self, resource: Resource) -> list[Resource]:
        """Return the resources that refer to another one, except its parts and its rules."""
        return [
            other
            for other in self.stack.resources
            if other.type != resource.type
            and resource in self.stack.references_of(other)
            and not other.type.startswith("aws_vpc_security_group_")
            # The owner of a part would be determined by this resource again.
            and resource not in self._argument_owner(other)
        ]

    def _argument_owner(self, part: Resource) -> list[Resource]:
        argument = kinds.OWNER_BY_ARGUMENT.get(part.type)
        return self.stack.references_in(part.body.get(argument)) if argument else []

    def _subnets_of(self, resource: Resource) -> list[str]:
        """Return the addresses of the subnets that contain a resource."""
        stack, body = self.stack, resource.body
        if resource.type == "aws_security_group":
            tier = next((tier for tier in TIERS if tier in resource.path), None)
            subnets = stack.of_type("aws_subnet") if tier else []
            return [subnet.address for subnet in subnets if f"{tier}Subnet" in subnet.path]
        if resource.type == "aws_rds_cluster_instance":
            body = stack.references_in(resource.body["cluster_identifier"])[0].body
        found = stack.references_in(body)
        for group in [each for each in found if each.type == "aws_db_subnet_group"]:
            found = stack.references_in(group.body)
        zone = resource.body.get("availability_zone")
        return [
            subnet.address
            for subnet in found
            if subnet.type == "aws_subnet" and zone in (None, subnet.body["availability_zone"])
        ]

    def _owner_of(self, resource: Resource) -> Item:
        """Return the item of a resource that has none of its own."""
        for other in self._argument_owner(resource):
            return self.item_of(other)
        if resource.type in kinds.OWNED_BY_REFERRER:
            for other in self._referrers(resource):
                return self.item_of(other)
        parents = resource.path.split("/")
        for length in range(len(parents), 0, -1):
            if item := self._by_path.get("/".join(parents[:length])):
                return item
        raise ValueError(
            f"{resource.address} ({resource.path}): received a resource without a tile; accepted: a"
            " type with a row in KINDS of tools/diagrams/kinds.py, or a resource within the"
            " construct of such a type. Add a row."
        )
