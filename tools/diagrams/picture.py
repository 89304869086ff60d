"""Gathers a stack's resources into what is drawn: networks, and tiles that stand in them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from tools.diagrams import kinds
from tools.diagrams.kinds import KINDS, Kind
from tools.diagrams.model import Resource, Stack

TIERS = ("Public", "Private", "Isolated")


@dataclass
class Item:
    """Something with a place of its own in the picture, and the resources it stands for."""

    key: str
    title: str
    members: list[Resource] = field(default_factory=list)

    @property
    def types(self) -> Counter[str]:
        return Counter(member.type for member in self.members)


@dataclass
class Subnet(Item):
    """A subnet: a tier in a zone."""

    tier: str = ""
    zone: str = ""


@dataclass
class Tile(Item):
    """A tile: one resource with its parts, or all of one type."""

    kind: Kind = field(kw_only=True)
    head: Resource = field(kw_only=True)
    subnets: list[str] = field(default_factory=list)
    encrypted: bool = False

    @property
    def family(self) -> str:
        return kinds.family_of(self.head.type)

    @property
    def subtitle(self) -> str:
        noun = self.kind.noun
        if self.kind.merged:
            return f"{self.types[self.head.type]} {noun}"
        if callable(noun):
            return noun(self.head.body)
        return noun.format_map(self.head.body | self.types)


class Picture:
    """What is drawn of a stack; every resource is a member of one item.

    Raises `ValueError` for a resource that has no place.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.vpc: Item | None = None
        self.subnets: dict[str, Subnet] = {}
        self.tiles: dict[str, Tile] = {}
        self._item_of: dict[str, Item] = {}
        self._by_path: dict[str, Item] = {}
        for resource in stack.resources:
            self._give_place(resource)
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
        """Everything that has members."""
        return [*([self.vpc] if self.vpc else []), *self.subnets.values(), *self.tiles.values()]

    def item_of(self, resource: Resource) -> Item:
        """The item that a resource is part of."""
        if resource.address not in self._item_of:
            self._item_of[resource.address] = self._owner(resource)
        return self._item_of[resource.address]

    def _give_place(self, resource: Resource) -> None:
        """Give a resource that is drawn its item."""
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
        stack = self.stack
        if resource.type == "aws_security_group":
            return None if self._namers(resource) else kinds.LONE_SECURITY_GROUP
        if resource.type == "aws_s3_bucket":
            started = [note.body["bucket"] for note in stack.of_type("aws_s3_bucket_notification")]
            if resource in stack.refers(started):
                return kinds.BUCKET_OF_A_FLOW
            for (type_, argument), kind in kinds.BUCKETS_OF_WATCHERS.items():
                written = [each.body.get(argument) for each in stack.of_type(type_)]
                if resource in stack.refers(written):
                    return kind
        return KINDS.get(resource.type)

    def _namers(self, resource: Resource) -> list[Resource]:
        """The resources that name another one, its own parts and rules of access apart."""
        return [
            other
            for other in self.stack.resources
            if other.type != resource.type
            and resource in self.stack.references_of(other)
            and not other.type.startswith("aws_vpc_security_group_")
            # A part of it would ask in its turn whom it belongs to.
            and resource not in self._named_owner(other)
        ]

    def _named_owner(self, part: Resource) -> list[Resource]:
        argument = kinds.OWNER_BY_ARGUMENT.get(part.type)
        return self.stack.refers(part.body.get(argument)) if argument else []

    def _subnets_of(self, resource: Resource) -> list[str]:
        """The addresses of the subnets that a resource lies in."""
        stack, lies_in = self.stack, resource.body
        if resource.type == "aws_security_group":
            tier = next((tier for tier in TIERS if tier in resource.path), None)
            subnets = stack.of_type("aws_subnet") if tier else []
            return [subnet.address for subnet in subnets if f"{tier}Subnet" in subnet.path]
        if resource.type == "aws_rds_cluster_instance":
            lies_in = stack.refers(resource.body["cluster_identifier"])[0].body
        found = stack.refers(lies_in)
        for group in [each for each in found if each.type == "aws_db_subnet_group"]:
            found = stack.refers(group.body)
        zone = resource.body.get("availability_zone")
        return [
            subnet.address
            for subnet in found
            if subnet.type == "aws_subnet" and zone in (None, subnet.body["availability_zone"])
        ]

    def _owner(self, resource: Resource) -> Item:
        """The item of a resource that is not drawn by itself."""
        for other in self._named_owner(resource):
            return self.item_of(other)
        if resource.type in kinds.OWNER_NAMES_THEM:
            for other in self._namers(resource):
                return self.item_of(other)
        parents = resource.path.split("/")
        for length in range(len(parents), 0, -1):
            if item := self._by_path.get("/".join(parents[:length])):
                return item
        raise ValueError(
            f"{resource.address} ({resource.path}): received a resource that no tile stands for;"
            " accepted: one with a row of KINDS in tools/diagrams/kinds.py, or part of one that"
            " has. Add a row."
        )
