"""Pictures of the stacks, drawn once a session, and what the files that are kept hold."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.support.synthesis import Synthesizer
from tools.diagrams.__main__ import DOCUMENTS
from tools.diagrams.routing import Route
from tools.diagrams.svg import Drawing

SVG = "{http://www.w3.org/2000/svg}"

_drawings: dict[tuple[str, str], Drawing] = {}


def drawn(synth: Synthesizer, stack: str, suffix: str = "dev") -> Drawing:
    """The picture of a stack as `config/<suffix>.toml` describes it."""
    if (stack, suffix) not in _drawings:
        _drawings[stack, suffix] = Drawing(synth.environment(suffix, stack).document)
    return _drawings[stack, suffix]


def routes_of(drawing: Drawing) -> list[Route]:
    """The arrows of a picture; fails where there is none."""
    assert drawing.routes
    return drawing.routes


def parsed(stack: str) -> ElementTree.Element:
    """The picture that is kept of a stack."""
    return ElementTree.parse(DOCUMENTS / f"{stack}.svg").getroot()


def written(stack: str) -> list[str]:
    """Every line of text in the picture that is kept of a stack."""
    return [element.text or "" for element in parsed(stack).iter(f"{SVG}text")]
