"""Writes a picture as SVG: text, rectangles and paths of one style sheet, nothing else."""

from __future__ import annotations

from xml.etree import ElementTree

from tools.diagrams.flows import Actor, actors, flows
from tools.diagrams.kinds import FAMILIES, counted, humanize
from tools.diagrams.layout import MARGIN, TITLE_SIZE, Box, Layout
from tools.diagrams.legend import Legend
from tools.diagrams.model import Stack
from tools.diagrams.picture import Item, Picture, Tile
from tools.diagrams.routing import LABEL_SIZE, Route, Router
from tools.diagrams.style import LOCK, sheet
from tools.diagrams.text import width_of

HEADING_SIZE, NAME_SIZE, SMALL = 20, 13, 11
GLYPH = 34
FRAME_ORDER = ("region", "panel", "vpc", "zone", "public", "private", "isolated")
# What the tags do not tell, as they are about the system whose state it keeps.
ABOUT = {"state": ("Terraform state", "Keeps the states of all stacks")}


class Drawing:
    """The picture of one stack, laid out; `text()` is the file."""

    def __init__(self, document: dict[str, object]) -> None:
        self.picture = Picture(Stack(document))
        self.actors = actors(self.picture)
        self.layout = Layout(self.picture, self.actors)
        self.routes = Router(self.layout).routes(flows(self.picture))
        # Every line of text with the room that it takes.
        self.texts: list[tuple[str, Box]] = []
        self._legend = Legend(self.picture, self.layout.width - 2 * MARGIN)
        self._svg = ElementTree.Element("svg")
        self._draw()

    @property
    def about(self) -> tuple[str, str]:
        """Heading and purpose."""
        stack = self.picture.stack
        named = humanize(stack.tags["Component"]), stack.tags["Purpose"]
        return ABOUT.get(stack.name, named)

    def text(self) -> str:
        """The file's text."""
        ElementTree.indent(self._svg)
        return ElementTree.tostring(self._svg, encoding="unicode") + "\n"

    def _draw(self) -> None:
        stack, (heading, purpose) = self.picture.stack, self.about
        width = self.layout.width
        height = self.layout.height + 40 + self._legend.height + MARGIN
        self._svg.attrib |= {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title desc",
        }
        named = f"{heading}: architecture of the stack {stack.name}"
        _add(self._svg, "title", id="title").text = named
        _add(self._svg, "desc", id="desc").text = self._description(purpose)
        _add(self._svg, "style").text = sheet()
        self._heads()
        _add(self._svg, "rect", width=width, height=height, rx=12, class_="page")
        self._line(self._svg, heading, MARGIN, 38, HEADING_SIZE, "text bold")
        self._line(
            self._svg,
            f"{purpose}. Stack {stack.name}, {len(stack.resources)} resources",
            MARGIN,
            60,
            NAME_SIZE,
            "soft",
        )
        self._frames()
        for route in self.routes:
            self._arrow(route)
        for tile in self.picture.tiles.values():
            self._tile(tile)
        for actor in self.actors:
            self._actor(actor)
        for route in self.routes:
            self._label(route)
        self._key(self.layout.height + 10)
        self._count(self.layout.height + 50)

    def _description(self, purpose: str) -> str:
        titles = {tile.key: tile.title for tile in self.picture.tiles.values()}
        titles |= {actor.key: actor.title for actor in self.actors}
        told = [
            f"{titles[flow.source]} to {titles[flow.target]}"
            for flow in (route.flow for route in self.routes)
            if flow.style == "data" and flow.source in titles and flow.target in titles
        ]
        return f"{purpose}. Data flows from {', from '.join(told)}." if told else f"{purpose}."

    def _heads(self) -> None:
        defs = _add(self._svg, "defs")
        for style in ("data", "watch"):
            marker = _add(
                defs, "marker", id=f"{style}-head", viewBox="0 0 8 8", refX=7, refY=4,
                markerWidth=8, markerHeight=8, markerUnits="userSpaceOnUse", orient="auto",
            )  # fmt: skip
            _add(marker, "path", d="M0 0L8 4L0 8z", class_=f"{style}-head")

    def _line(
        self, parent: ElementTree.Element, text: str, x: int, y: int, size: int, class_: str,
        anchor: str = "start",
    ) -> None:  # fmt: skip
        """One line of text, its baseline at `y`."""
        attributes = {"x": x, "y": y, "font-size": size, "class": class_}
        if anchor != "start":
            attributes["text-anchor"] = anchor
        _add(parent, "text", **attributes).text = text
        width = width_of(text, size, bold="bold" in class_)
        left = x - width // 2 if anchor == "middle" else x
        self.texts.append((text, Box(left, y - size, width, size + 3)))

    def _frames(self) -> None:
        members = {item.key: item for item in self.picture.items()}
        frames = self.layout.frames.values()
        for frame in sorted(frames, key=lambda each: FRAME_ORDER.index(each.style)):
            group = _add(self._svg, "g")
            if item := members.get(frame.key):
                _add(group, "title").text = _contents(item)
            _rectangle(group, frame.box, 6, frame.style)
            y = frame.title_box.y + 14
            self._line(group, frame.title, frame.title_box.x, y, TITLE_SIZE, "text bold")

    def _tile(self, tile: Tile) -> None:
        box = self.layout.boxes[tile.key]
        group = _add(self._svg, "g")
        _add(group, "title").text = _contents(tile)
        edge = f"tile {tile.family}-edge"
        if tile.kind.merged:
            behind = Box(box.x + 4, box.y - 4, box.width, box.height)
            _rectangle(group, behind, 6, edge)
        _rectangle(group, box, 6, edge)
        left = box.x + 8
        if len(tile.subnets) > 1:
            widths = width_of(tile.title, NAME_SIZE, bold=True), width_of(tile.subtitle, SMALL)
            left = box.x + (box.width - GLYPH - 8 - max(widths)) // 2
        glyph = _add(group, "g", transform=f"translate({left} {box.y + 8})")
        _add(glyph, "rect", width=GLYPH, height=GLYPH, rx=5, class_=tile.family)
        path = FAMILIES[tile.family].glyph
        _add(glyph, "path", transform="translate(7 7)", d=path, class_="glyph")
        self._line(group, tile.title, left + GLYPH + 8, box.y + 22, NAME_SIZE, "text bold")
        self._line(group, tile.subtitle, left + GLYPH + 8, box.y + 38, SMALL, "soft")
        if tile.encrypted:
            self._lock(group, box.right - 17, box.y + 5)

    def _lock(self, parent: ElementTree.Element, x: int, y: int) -> None:
        lock = _add(parent, "g", transform=f"translate({x} {y})")
        _add(lock, "path", d=LOCK, class_="lock security-edge")

    def _actor(self, actor: Actor) -> None:
        box = self.layout.boxes[actor.key]
        _rectangle(self._svg, box, box.height // 2, "actor")
        middle = box.x + box.width // 2
        self._line(
            self._svg, actor.title, middle, box.y + 25, NAME_SIZE, "actor-text bold", "middle"
        )

    def _arrow(self, route: Route) -> None:
        style = route.flow.style
        _add(self._svg, "path", class_=style, d=_rounded(route.points), **_head(style))

    def _label(self, route: Route) -> None:
        if not (box := route.label_box):
            return
        _rectangle(self._svg, box, 4, "label")
        middle = box.x + box.width // 2
        self._line(self._svg, route.flow.label, middle, box.y + 12, LABEL_SIZE, "text", "middle")

    def _key(self, y: int) -> None:
        """What the kinds of lines mean, where there are several."""
        styles = {route.flow.style for route in self.routes}
        x = MARGIN
        for style, text in (("data", "data flows"), ("watch", "watches, guards, reports")):
            if style in styles:
                line = f"M{x} {y + 5}L{x + 36} {y + 5}"
                _add(self._svg, "path", class_=style, d=line, **_head(style))
                self._line(self._svg, text, x + 44, y + 9, SMALL, "soft")
                x += 44 + width_of(text, SMALL) + 20
        if any(tile.encrypted for tile in self.picture.tiles.values()):
            self._lock(self._svg, x, y - 2)
            self._line(self._svg, "encrypted under the key", x + 18, y + 9, SMALL, "soft")

    def _count(self, top: int) -> None:
        """Every resource of the stack, counted by family and type."""
        for number, column in enumerate(self._legend.columns):
            left, y = MARGIN + number * self._legend.step, top
            for entry in column:
                glyph = _add(self._svg, "g", transform=f"translate({left} {y - 2})")
                _add(glyph, "rect", width=20, height=20, rx=4, class_=entry.family)
                shrunk = {"transform": "translate(3 3) scale(0.7)", "class": "glyph"}
                _add(glyph, "path", d=FAMILIES[entry.family].glyph, **shrunk)
                self._line(self._svg, entry.title, left + 30, y + 12, TITLE_SIZE, "text bold")
                for row, line in enumerate(entry.lines, start=1):
                    self._line(self._svg, line, left + 30, y + 12 + 15 * row, SMALL, "soft")
                y += entry.height


def _head(style: str) -> dict[str, str]:
    return {"marker-end": f"url(#{style}-head)"}


def _add(parent: ElementTree.Element, tag: str, **attributes: object) -> ElementTree.Element:
    named = {name.removesuffix("_"): str(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, named)


def _rectangle(parent: ElementTree.Element, box: Box, radius: int, class_: str) -> None:
    _add(
        parent, "rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=radius,
        class_=class_,
    )  # fmt: skip


def _contents(item: Item) -> str:
    """What a box stands for, shown where the mouse rests on it."""
    counts = [counted(type_, count) for type_, count in sorted(item.types.items())]
    return f"{item.title}: {', '.join(counts)}"


def _rounded(points: tuple[tuple[int, int], ...]) -> str:
    """A path through the points, its corners rounded."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{near[0]} {near[1]}Q{corner[0]} {corner[1]} {far[0]} {far[1]}")
    return "".join([*parts, f"L{points[-1][0]} {points[-1][1]}"])


def _towards(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The point five pixels from a corner on the way to another point."""
    x, y = (max(-5, min(5, b - a)) for a, b in zip(corner, other, strict=True))
    return corner[0] + x, corner[1] + y
