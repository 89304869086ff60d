"""Placement of the boxes: account, VPC, Availability Zones, subnets, tiles and actors.

Every coordinate is a multiple of ``GRID``, the distance of the lines on which arrows run. A tile in
subnets of several zones spans them, as is usual for load balancers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from tools.diagrams.contents import TIERS, Contents, Subnet, Tile
from tools.diagrams.flows import ActorNode
from tools.diagrams.text import width_of

GRID = 10
TILE_WIDTH, TILE_HEIGHT = 200, 50
MARGIN = 20
PAD = 20
HEADER = 30
ROW_GAP = 40
COLUMN_GAP = 60
# The minimum that an arrow requires.
LEAST_GAP = 30
COLUMN_WIDTH = TILE_WIDTH + 2 * PAD
ZONE_PAD = 10
ZONE_WIDTH = TILE_WIDTH + 2 * PAD + 2 * ZONE_PAD
# The width of the legend.
LEAST_WIDTH = 440
TOP = 80
ACTOR_WIDTH, ACTOR_HEIGHT = 140, 40
TITLE_SIZE = 12

FrameStyle = Literal["region", "panel", "vpc", "zone", "public", "private", "isolated"]

SUBNETS: dict[str, FrameStyle] = {
    "Public": "public",
    "Private": "private",
    "Isolated": "isolated",
}


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def contains(self, other: Box) -> bool:
        """Return whether another box is inside this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def overlaps(self, other: Box, gap: int = 0) -> bool:
        """Return whether two boxes share an area, or are closer than ``gap``."""
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )


@dataclass(frozen=True)
class Frame:
    """A box that contains other boxes, with a title in an upper corner."""

    key: str
    title: str
    style: FrameStyle
    box: Box

    @property
    def title_box(self) -> Box:
        """The area of the title."""
        width = width_of(self.title, TITLE_SIZE, bold=True)
        # Arrows of actors enter the account on the left and in the middle.
        left = self.box.right - 10 - width if self.style == "region" else self.box.x + 10
        return Box(left, self.box.y + 6, width, 18)


class Layout:
    """The position of every box: ``boxes`` of tiles and actors, ``frames`` around them, by key."""

    def __init__(self, contents: Contents, actors: list[ActorNode]) -> None:
        self._contents = contents
        self.frames: dict[str, Frame] = {}
        self.boxes: dict[str, Box] = {}
        top = TOP + (ACTOR_HEIGHT + ROW_GAP if actors else 0)
        x, y = MARGIN + PAD, top + HEADER + 10
        entry, data = self._tiles("entry"), self._tiles("data")
        network = self._network(x + (COLUMN_WIDTH + COLUMN_GAP if entry else 0), y)
        height = max(network.height if network else 0, _height(len(entry)), _height(len(data)))
        if entry:
            self._column("entry", "Entry points", entry, Box(x, y, COLUMN_WIDTH, height))
            x += COLUMN_WIDTH + COLUMN_GAP
        x = network.right + COLUMN_GAP if network else x
        if data:
            self._column("data", "Data and keys", data, Box(x, y, COLUMN_WIDTH, height))
            x += COLUMN_WIDTH + COLUMN_GAP
        bottom = y + height
        inner = max(x - COLUMN_GAP - MARGIN - PAD, LEAST_WIDTH)
        if monitoring := self._monitoring(MARGIN + PAD, bottom + ROW_GAP, inner):
            bottom = monitoring.bottom
        stack = contents.stack
        region = Box(MARGIN, top, inner + 2 * PAD, bottom + PAD - top)
        self._frame("region", f"AWS account, Region {stack.region}", "region", region)
        self._place_actors(actors)
        self.width, self.height = region.right + MARGIN, region.bottom + MARGIN

    def _frame(self, key: str, title: str, style: FrameStyle, box: Box) -> Box:
        self.frames[key] = Frame(key, title, style, box)
        return box

    def _tiles(self, place: str) -> list[Tile]:
        """Return the tiles of a place outside the subnets, in the order of their ranks."""
        tiles = self._contents.tiles.values()
        found = [tile for tile in tiles if tile.kind.place == place and not tile.subnets]
        return sorted(found, key=lambda tile: (tile.kind.row, tile.kind.rank, tile.key))

    def _column(self, key: str, title: str, tiles: list[Tile], box: Box) -> None:
        """Place tiles below each other, with larger distances where the box is higher."""
        self._frame(key, title, "panel", box)
        spare = box.height - _height(len(tiles))
        step = TILE_HEIGHT + ROW_GAP + min(spare // max(len(tiles) - 1, 1), 50) // GRID * GRID
        for number, tile in enumerate(tiles):
            y = box.y + HEADER + 10 + number * step
            self.boxes[tile.key] = Box(box.x + PAD, y, TILE_WIDTH, TILE_HEIGHT)

    def _network(self, x: int, y: int) -> Box | None:
        """Place the VPC: a row of gateways, then one row per tier with the subnets of all zones."""
        contents = self._contents
        if not contents.vpc:
            return None
        gateways, at = self._tiles("network"), y + HEADER + 10
        for number, tile in enumerate(gateways):
            left = x + PAD + ZONE_PAD + PAD + number * (ZONE_WIDTH + PAD)
            self.boxes[tile.key] = Box(left, at, TILE_WIDTH, TILE_HEIGHT)
        top = at + (TILE_HEIGHT + ROW_GAP if gateways else 0)
        zones = sorted({subnet.zone for subnet in contents.subnets.values()})
        columns = {zone: x + PAD + n * (ZONE_WIDTH + PAD) for n, zone in enumerate(zones)}
        bottom = top + HEADER - ROW_GAP
        for tier in sorted({subnet.tier for subnet in contents.subnets.values()}, key=_depth):
            subnets = [subnet for subnet in contents.subnets.values() if subnet.tier == tier]
            bottom = self._tier(subnets, columns, bottom + ROW_GAP)
        bottom += ZONE_PAD
        for zone, left in columns.items():
            self._frame(f"zone {zone}", zone, "zone", Box(left, top, ZONE_WIDTH, bottom - top))
        width = max(len(zones), len(gateways), 1) * (ZONE_WIDTH + PAD) + PAD
        return self._frame("vpc", contents.vpc.title, "vpc", Box(x, y, width, bottom + PAD - y))

    def _tier(self, subnets: list[Subnet], columns: dict[str, int], y: int) -> int:
        """Place one tier, tiles that span zones first. Returns the bottom of the tier."""
        keys, at = {subnet.key for subnet in subnets}, y + HEADER + 10
        here = [tile for tile in self._contents.tiles.values() if keys & {*tile.subnets}]
        here.sort(key=lambda tile: (tile.kind.rank, tile.key))
        lefts = sorted(columns[subnet.zone] + ZONE_PAD + PAD for subnet in subnets)
        for tile in here:
            if len(tile.subnets) > 1:
                width = lefts[-1] - lefts[0] + TILE_WIDTH
                self.boxes[tile.key] = Box(lefts[0], at, width, TILE_HEIGHT)
                at += TILE_HEIGHT + ROW_GAP
        bottom = at
        for subnet in subnets:
            below = at
            for tile in here:
                if tile.subnets == [subnet.key]:
                    left = columns[subnet.zone] + ZONE_PAD + PAD
                    self.boxes[tile.key] = Box(left, below, TILE_WIDTH, TILE_HEIGHT)
                    below += TILE_HEIGHT + ROW_GAP
            bottom = max(bottom, below)
        bottom += PAD - (ROW_GAP if here else 0)
        for subnet in subnets:
            left, width = columns[subnet.zone] + ZONE_PAD, TILE_WIDTH + 2 * PAD
            box = Box(left, y, width, bottom - y)
            self._frame(subnet.key, subnet.title, SUBNETS.get(subnet.tier, "private"), box)
        return bottom

    def _monitoring(self, x: int, y: int, width: int) -> Box | None:
        """Place the monitoring tiles in rows and columns, or in one row where they fit."""
        tiles = self._tiles("monitoring")
        if not tiles:
            return None
        rows = [list(row) for _, row in groupby(tiles, key=lambda tile: tile.kind.row)]
        if len(tiles) <= (width - 2 * PAD + LEAST_GAP) // (TILE_WIDTH + LEAST_GAP):
            rows = [sorted(tiles, key=lambda tile: (tile.kind.rank, tile.kind.row))]
        columns: dict[str, int] = {}
        for row in rows:
            column = -1
            for tile in row:
                # The column of the tile, or the next free column to the right.
                column = max(tile.kind.rank - 1 if len(rows) > 1 else 0, column + 1)
                columns[tile.key] = column
        step = (width - 2 * PAD - TILE_WIDTH) // max(*columns.values(), 2) // GRID * GRID
        at = y + HEADER + 10
        for row in rows:
            for tile in row:
                left = x + PAD + columns[tile.key] * step
                self.boxes[tile.key] = Box(left, at, TILE_WIDTH, TILE_HEIGHT)
            at += TILE_HEIGHT + ROW_GAP
        box = Box(x, y, width, at - ROW_GAP + PAD - y)
        return self._frame("monitoring", "Monitoring and audit", "panel", box)

    def _place_actors(self, actors: list[ActorNode]) -> None:
        """Place each actor above its tile."""
        for actor in actors:
            target = self.boxes[actor.tile]
            x = target.x + (target.width - ACTOR_WIDTH) // 2 // GRID * GRID
            self.boxes[actor.key] = Box(x, TOP, ACTOR_WIDTH, ACTOR_HEIGHT)


def _height(count: int) -> int:
    """Return the minimum height of a column of tiles."""
    return HEADER + 10 + count * (TILE_HEIGHT + ROW_GAP) - ROW_GAP + PAD


def _depth(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)
