"""The legend: the number of resources by family of services and by type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tools.diagrams.contents import Contents
from tools.diagrams.kinds import FAMILIES, counted, family_of
from tools.diagrams.text import wrapped

INDENT, GAP = 30, 20
SIZE, LINE, HEAD = 11, 15, 30
# The minimum width of a diagram with two columns.
TWO_COLUMNS = 700


@dataclass(frozen=True)
class Entry:
    """One family: its name with the number of resources, and lines with the number by type."""

    family: str
    title: str
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        """The height in pixels."""
        return HEAD + LINE * len(self.lines)


class Legend:
    """The entries in one or two columns with a distance of ``step`` pixels."""

    def __init__(self, contents: Contents, width: int) -> None:
        self.counts: dict[str, Counter[str]] = {}
        for item in contents.items():
            for type_, count in item.types.items():
                self.counts.setdefault(family_of(type_), Counter())[type_] += count
        number = 2 if width >= TWO_COLUMNS else 1
        self.step = width // number
        entries = [self._entry(family) for family in FAMILIES if family in self.counts]
        # Two columns of similar height.
        cut = min(
            range(len(entries) + 1),
            key=lambda cut: max(_height(entries[:cut]), _height(entries[cut:])),
        )
        self.columns = [entries[:cut], entries[cut:]] if number == 2 else [entries]
        self.height = max(map(_height, self.columns))

    def _entry(self, family: str) -> Entry:
        counts = self.counts[family]
        numbers = [counted(type_, count) for type_, count in sorted(counts.items())]
        lines = wrapped(numbers, SIZE, self.step - INDENT - GAP)
        return Entry(family, f"{FAMILIES[family].name}: {counts.total()}", tuple(lines))


def _height(entries: list[Entry]) -> int:
    return sum(entry.height for entry in entries)
