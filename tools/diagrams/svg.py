"""The SVG file: text, rectangles and paths with one style sheet."""

from __future__ import annotations

from xml.etree import ElementTree

from lib.stacks import StackSpec
from lib.template import Template
from tools.diagrams.contents import Contents, Item, Tile
from tools.diagrams.flows import ActorNode, actors, flows
from tools.diagrams.kinds import FAMILIES, counted, humanize
from tools.diagrams.layout import MARGIN, TITLE_SIZE, Box, Layout
from tools.diagrams.legend import Legend
from tools.diagrams.model import StackModel
from tools.diagrams.routing import LABEL_SIZE, Route, Router
from tools.diagrams.style import LOCK, sheet
from tools.diagrams.text import width_of

HEADING_SIZE, NAME_SIZE, SMALL = 20, 13, 11
GLYPH = 34
FRAME_ORDER = ("region", "panel", "vpc", "zone", "public", "private", "isolated")


class Diagram:
    """The diagram of one stack; ``svg()`` returns the file.

    ``spec`` contains title, summary and actor; without it, or without a title, the heading consists
    of the tags Component and Purpose.
    """

    def __init__(self, template: Template, spec: StackSpec | None = None) -> None:
        self._spec = spec
        self.contents = Contents(StackModel(template))
        self.actors = actors(self.contents, spec)
        self.layout = Layout(self.contents, self.actors)
        self.routes = Router(self.layout).routes(flows(self.contents, self.actors))
        self.texts: list[tuple[str, Box]] = []
        """Every line of text with its area."""
        self._legend = Legend(self.contents, self.layout.width - 2 * MARGIN)
        self._svg = ElementTree.Element("svg")
        self._draw()

    @property
    def heading(self) -> tuple[str, str]:
        """Title and summary."""
        tags, spec = self.contents.stack.tags, self._spec
        return (
            (spec and spec.title) or humanize(tags["Component"]),
            (spec and spec.summary) or tags["Purpose"],
        )

    def svg(self) -> str:
        """Return the text of the SVG file."""
        ElementTree.indent(self._svg)
        return ElementTree.tostring(self._svg, encoding="unicode") + "\n"

    def _draw(self) -> None:
        stack, (title, summary) = self.contents.stack, self.heading
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
        name = f"{title}: architecture of the stack {stack.name}"
        _add(self._svg, "title", id="title").text = name
        _add(self._svg, "desc", id="desc").text = self._description(summary)
        _add(self._svg, "style").text = sheet()
        self._heads()
        _add(self._svg, "rect", width=width, height=height, rx=12, class_="page")
        self._line(self._svg, title, MARGIN, 38, HEADING_SIZE, "text bold")
        self._line(
            self._svg,
            f"{summary}. Stack {stack.name}, {len(stack.resources)} resources",
            MARGIN,
            60,
            NAME_SIZE,
            "soft",
        )
        self._frames()
        for route in self.routes:
            self._arrow(route)
        for tile in self.contents.tiles.values():
            self._tile(tile)
        for actor in self.actors:
            self._actor(actor)
        for route in self.routes:
            self._label(route)
        self._key(self.layout.height + 10)
        self._count(self.layout.height + 50)

    def _description(self, summary: str) -> str:
        titles = {tile.key: tile.title for tile in self.contents.tiles.values()}
        titles |= {actor.key: actor.title for actor in self.actors}
        data_flows = [
            f"{titles[flow.source]} to {titles[flow.target]}"
            for flow in (route.flow for route in self.routes)
            if flow.style == "data" and flow.source in titles and flow.target in titles
        ]
        if not data_flows:
            return f"{summary}."
        return f"{summary}. Data flows from {', from '.join(data_flows)}."

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
        """Draw one line of text with its baseline at ``y``."""
        attributes = {"x": x, "y": y, "font-size": size, "class": class_}
        if anchor != "start":
            attributes["text-anchor"] = anchor
        _add(parent, "text", **attributes).text = text
        width = width_of(text, size, bold="bold" in class_)
        left = x - width // 2 if anchor == "middle" else x
        self.texts.append((text, Box(left, y - size, width, size + 3)))

    def _frames(self) -> None:
        members = {item.key: item for item in self.contents.items()}
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

    def _actor(self, actor: ActorNode) -> None:
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
        """Draw the key of the lines, and of the lock symbol where it is used."""
        styles = {route.flow.style for route in self.routes}
        x = MARGIN
        for style, text in (("data", "data flows"), ("watch", "monitoring and protection")):
            if style in styles:
                line = f"M{x} {y + 5}L{x + 36} {y + 5}"
                _add(self._svg, "path", class_=style, d=line, **_head(style))
                self._line(self._svg, text, x + 44, y + 9, SMALL, "soft")
                x += 44 + width_of(text, SMALL) + 20
        if any(tile.encrypted for tile in self.contents.tiles.values()):
            self._lock(self._svg, x, y - 2)
            self._line(self._svg, "encrypted with the KMS key", x + 18, y + 9, SMALL, "soft")

    def _count(self, top: int) -> None:
        """Draw the legend."""
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
    xml_attributes = {name.removesuffix("_"): str(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, xml_attributes)


def _rectangle(parent: ElementTree.Element, box: Box, radius: int, class_: str) -> None:
    _add(
        parent, "rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=radius,
        class_=class_,
    )  # fmt: skip


def _contents(item: Item) -> str:
    """Return the resources of a box, which browsers show as a tooltip."""
    counts = [counted(type_, count) for type_, count in sorted(item.types.items())]
    return f"{item.title}: {', '.join(counts)}"


def _rounded(points: tuple[tuple[int, int], ...]) -> str:
    """Return a path through the points with rounded corners."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{near[0]} {near[1]}Q{corner[0]} {corner[1]} {far[0]} {far[1]}")
    return "".join([*parts, f"L{points[-1][0]} {points[-1][1]}"])


def _towards(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Return the point five pixels from a corner in the direction of another point."""
    x, y = (max(-5, min(5, b - a)) for a, b in zip(corner, other, strict=True))
    return corner[0] + x, corner[1] + y
