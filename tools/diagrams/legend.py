"""The legend: every resource of the stack, counted by family of services and by type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tools.diagrams.kinds import FAMILIES, counted, family_of
from tools.diagrams.picture import Picture
from tools.diagrams.text import wrapped

INDENT, GAP = 30, 20
SIZE, LINE, HEAD = 11, 15, 30
# Below this width of the picture one column reads better than two.
TWO_COLUMNS = 700


@dataclass(frozen=True)
class Entry:
    """One family: its name with its number of resources, and the lines that count its types."""

    family: str
    title: str
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return HEAD + LINE * len(self.lines)


class Legend:
    """The entries in one or two columns, which begin `step` pixels apart."""

    def __init__(self, picture: Picture, width: int) -> None:
        self.counts: dict[str, Counter[str]] = {}
        for item in picture.items():
            for type_, count in item.types.items():
                self.counts.setdefault(family_of(type_), Counter())[type_] += count
        number = 2 if width >= TWO_COLUMNS else 1
        self.step = width // number
        entries = [self._entry(family) for family in FAMILIES if family in self.counts]
        # Two columns of about the same height.
        cut = min(
            range(len(entries) + 1),
            key=lambda cut: max(_height(entries[:cut]), _height(entries[cut:])),
        )
        self.columns = [entries[:cut], entries[cut:]] if number == 2 else [entries]
        self.height = max(map(_height, self.columns))

    def _entry(self, family: str) -> Entry:
        counts = self.counts[family]
        said = [counted(type_, count) for type_, count in sorted(counts.items())]
        lines = wrapped(said, SIZE, self.step - INDENT - GAP)
        return Entry(family, f"{FAMILIES[family].name}: {counts.total()}", tuple(lines))


def _height(entries: list[Entry]) -> int:
    return sum(entry.height for entry in entries)
