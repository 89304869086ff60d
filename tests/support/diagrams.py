"""Diagrams of the stacks, drawn once a session, and the contents of the committed files."""

from __future__ import annotations

from xml.etree import ElementTree

from lib.stacks import STACKS
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tools.diagrams import FOLDER, Diagram
from tools.diagrams.routing import Route

SVG = "{http://www.w3.org/2000/svg}"

_diagrams: dict[tuple[str, str], Diagram] = {}


def draw(template: Template) -> Diagram:
    """Draw a template of a registered stack."""
    return Diagram(template, STACKS[template.stack])


def diagram_of(synth: Synthesizer, stack: str, suffix: str = "dev") -> Diagram:
    """Return the diagram of a stack as `config/<suffix>.toml` configures it."""
    if (stack, suffix) not in _diagrams:
        _diagrams[stack, suffix] = draw(synth.environment(suffix, stack))
    return _diagrams[stack, suffix]


def routes_of(diagram: Diagram) -> list[Route]:
    """Return the arrows of a diagram; fails if it has none."""
    assert diagram.routes
    return diagram.routes


def parsed(stack: str) -> ElementTree.Element:
    """Return the parsed file of a stack's diagram."""
    return ElementTree.parse(FOLDER / f"{stack}.svg").getroot()


def texts_of(stack: str) -> list[str]:
    """Return every line of text in the file of a stack's diagram."""
    return [element.text or "" for element in parsed(stack).iter(f"{SVG}text")]
