"""The diagrams in docs/architecture are legible: no overlaps, and contrast on every page."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from lib.stacks import STACKS
from tests.support.diagrams import SVG, diagram_of, parsed, routes_of, texts_of
from tests.support.synthesis import Synthesizer
from tools.diagrams import FOLDER, Diagram
from tools.diagrams.kinds import FAMILIES
from tools.diagrams.layout import Box
from tools.diagrams.style import THEME, sheet
from tools.diagrams.text import width_of, wrapped

SHAPES = {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g"}
# The diagrams of prod, which are not committed, have three Availability Zones and more tiles.
DRAWN = [*((stack, "dev") for stack in STACKS), ("tap", "prod"), ("web", "prod")]
each_diagram = pytest.mark.parametrize(("stack", "suffix"), DRAWN)
each_stack = pytest.mark.parametrize("stack", STACKS)


@pytest.fixture
def diagram(synth: Synthesizer, stack: str, suffix: str) -> Diagram:
    return diagram_of(synth, stack, suffix)


@each_diagram
def test_tiles_do_not_overlap(diagram: Diagram) -> None:
    for (one, box), (other, another) in itertools.combinations(diagram.layout.boxes.items(), 2):
        assert not box.overlaps(another, 10), f"{one} and {other}"


@each_diagram
def test_frames_are_nested_or_disjoint(diagram: Diagram) -> None:
    frames = diagram.layout.frames
    for one, other in itertools.combinations(frames.values(), 2):
        nested = one.box.contains(other.box) or other.box.contains(one.box)
        assert nested or not one.box.overlaps(other.box), f"{one.key} and {other.key}"
    for subnet in diagram.contents.subnets.values():
        zone = frames[f"zone {subnet.zone}"].box
        assert zone.contains(frames[subnet.key].box)
        assert frames["vpc"].box.contains(zone)
        assert frames["region"].box.contains(frames["vpc"].box)


@each_diagram
def test_tiles_are_inside_the_subnets_of_their_resources(diagram: Diagram) -> None:
    layout = diagram.layout
    for tile in diagram.contents.tiles.values():
        box = layout.boxes[tile.key]
        if not tile.subnets:
            panel = "vpc" if tile.kind.place == "network" else tile.kind.place
            assert layout.frames[panel].box.contains(box), tile.key
            continue
        frames = [layout.frames[key].box for key in tile.subnets]
        hull = Box(
            min(frame.x for frame in frames),
            frames[0].y,
            max(frame.right for frame in frames) - min(frame.x for frame in frames),
            frames[0].height,
        )
        assert hull.contains(box), tile.key
        for key, frame in layout.frames.items():
            if key in diagram.contents.subnets:
                assert frame.box.overlaps(box) == (key in tile.subnets), f"{tile.key} in {key}"


@each_diagram
def test_texts_do_not_overlap_and_are_inside_the_diagram(diagram: Diagram) -> None:
    diagram.svg()
    whole = Box(0, 0, diagram.layout.width, 10**6)
    for text, box in diagram.texts:
        assert whole.contains(box), text
    for (text, box), (another, other) in itertools.combinations(diagram.texts, 2):
        assert not box.overlaps(other), f"{text!r} and {another!r}"


@each_diagram
def test_texts_of_a_tile_fit_beside_its_lock(diagram: Diagram) -> None:
    for tile in diagram.contents.tiles.values():
        box = diagram.layout.boxes[tile.key]
        words = [(tile.title, 13, True, 22 if tile.encrypted else 4), (tile.subtitle, 11, False, 4)]
        for text, size, bold, reserved in words:
            room = box.width - 50 - reserved
            assert width_of(text, size, bold=bold) <= room, f"{text!r} is too long for its tile"


@each_diagram
def test_titles_fit_into_their_frames(diagram: Diagram) -> None:
    for frame in diagram.layout.frames.values():
        assert frame.box.contains(frame.title_box), frame.title


@each_diagram
def test_arrows_connect_their_boxes_and_avoid_other_tiles(diagram: Diagram) -> None:
    layout = diagram.layout
    for route in routes_of(diagram):
        for key, point in ((route.flow.source, 0), (route.flow.target, -1)):
            box = layout.boxes.get(key) or layout.frames[key].box
            x, y = route.points[point]
            assert box.contains(Box(x, y, 0, 0)), route.flow
            assert x in (box.x, box.right) or y in (box.y, box.bottom), route.flow
        for segment in route.segments():
            assert 0 in (segment.width, segment.height), f"{route.flow} is oblique"
            for key, box in layout.boxes.items():
                inner = Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
                assert not inner.overlaps(segment), f"{route.flow} crosses {key}"


@each_diagram
def test_arrows_do_not_cross_text(diagram: Diagram) -> None:
    diagram.svg()
    labels = [route.label_box for route in diagram.routes if route.label_box]
    texts = [(t, b) for t, b in diagram.texts if not any(label.contains(b) for label in labels)]
    for route in routes_of(diagram):
        for segment in route.segments():
            for text, box in texts:
                assert not box.overlaps(segment), f"{route.flow} crosses {text!r}"


@each_diagram
def test_arrows_share_lines_only_with_a_common_end(diagram: Diagram) -> None:
    for one, other in itertools.combinations(routes_of(diagram), 2):
        if one.flow.source == other.flow.source or one.flow.target == other.flow.target:
            continue
        for part, another in itertools.product(one.segments(), other.segments()):
            upright = part.width == another.width == 0 and part.x == another.x
            level = part.height == another.height == 0 and part.y == another.y
            meet = part.overlaps(
                Box(another.x - 1, another.y - 1, another.width + 2, another.height + 2)
            )
            assert not ((upright or level) and meet), f"{one.flow} and {other.flow}"


@each_diagram
def test_labels_are_on_their_arrow_and_cover_no_box(diagram: Diagram) -> None:
    layout = diagram.layout
    for route in routes_of(diagram):
        assert bool(route.label_box) == bool(route.flow.label)
        if not (label := route.label_box):
            continue
        assert any(label.overlaps(segment) for segment in route.segments())
        others = [*layout.boxes.values(), *(frame.title_box for frame in layout.frames.values())]
        assert not any(label.overlaps(other) for other in others), route.flow


# ---- files ---------------------------------------------------------------------------------------


@each_stack
def test_file_has_title_description_and_valid_references(stack: str) -> None:
    root = parsed(stack)
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    assert {*ids.values()} == {1}
    by_id = {element.get("id"): element for element in root.iter()}
    assert f"the stack {stack}" in (by_id["title"].text or "")
    assert " to " in (by_id["desc"].text or "")
    for element in root.iter():
        for value in element.attrib.values():
            for reference in re.findall(r"url\(#(.*?)\)", value):
                assert reference in by_id


@each_stack
def test_file_has_no_external_references(stack: str) -> None:
    text = (FOLDER / f"{stack}.svg").read_text(encoding="utf-8")
    tags = {element.tag.removeprefix(SVG) for element in parsed(stack).iter()}
    assert tags <= SHAPES
    assert "href" not in text
    assert re.findall(r"https?://[^\"<\s]+", text) == ["http://www.w3.org/2000/svg"]
    assert "@import" not in text


@each_stack
def test_file_contains_every_arrow_with_its_label(synth: Synthesizer, stack: str) -> None:
    routes = routes_of(diagram_of(synth, stack))
    heads = Counter(path.get("marker-end") for path in parsed(stack).iter(f"{SVG}path"))
    expected = Counter(f"url(#{route.flow.style}-head)" for route in routes)
    # The key has one more arrow of each style.
    assert {head: count + 1 for head, count in expected.items()}.items() <= heads.items()
    labels = Counter(route.flow.label for route in routes if route.flow.label)
    assert not labels - Counter(texts_of(stack))


@each_stack
def test_texts_contain_no_environment_suffix(stack: str) -> None:
    assert not [text for text in texts_of(stack) if re.search(r"-dev\b|\$\{", text)]


@each_stack
def test_every_class_has_a_style(stack: str) -> None:
    used = {name for e in parsed(stack).iter() for name in (e.get("class") or "").split()}
    style = parsed(stack).findtext(f"{SVG}style")
    assert style == sheet()
    styled = set(re.findall(r"\.([a-z-]+)", style))
    assert used <= styled
    assert "@media (prefers-color-scheme: dark)" in sheet()


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_text_and_arrows_have_sufficient_contrast(page: int) -> None:
    colours: dict[tuple[str, str], str] = {row[:2]: row[2 + page] for row in THEME}
    grounds = ("page", "region", "panel", "vpc", "public", "private", "isolated", "tile", "label")
    for ground in grounds:
        behind = colours[f".{ground}", "fill"]
        # Minimum contrast of text and graphics in WCAG 2.2 (1.4.3 and 1.4.11).
        assert contrast(colours[".text", "fill"], behind) >= 4.5, ground
        assert contrast(colours[".data", "stroke"], behind) >= 3, ground
        assert contrast(colours[".watch", "stroke"], behind) >= 3, ground
    for ground in ("page", "tile"):
        assert contrast(colours[".soft", "fill"], colours[f".{ground}", "fill"]) >= 4.5, ground
    assert contrast(colours[".actor-text", "fill"], colours[".actor", "fill"]) >= 4.5


def test_glyphs_have_sufficient_contrast() -> None:
    for family in FAMILIES.values():
        assert contrast("#ffffff", family.colour) >= 3, family.name


def test_phrases_are_wrapped_to_the_width() -> None:
    words = ["one thing", "two things", "three"]
    assert wrapped(words, 10, 1000) == ["one thing  ·  two things  ·  three"]
    assert wrapped(words, 10, 1) == words
    assert width_of("iii", 10) < width_of("mmm", 10) < width_of("mmm", 10, bold=True)


@pytest.mark.parametrize(
    # Advance widths in the tables of DejaVu Sans 2.37, regular and bold.
    ("text", "regular", "bold"),
    [
        ("Secrets Manager endpoint", 1319.2, 1491.7),
        ("4 × S3 bucket policy", 1036.5, 1151.7),
        ("Private subnet  10.0.0.0/24", 1363.2, 1536.3),
        ("states, locks", 622.9, 711.0),
    ],
)
def test_estimated_width_is_an_upper_bound(text: str, regular: float, bold: float) -> None:
    assert regular <= width_of(text, 100) <= 1.15 * regular
    assert bold <= width_of(text, 100, bold=True) <= 1.15 * bold
