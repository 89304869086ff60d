"""What the review says of a change."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.plan_review.reading import Change
from tools.plan_review.verdict import Rule


@dataclass(frozen=True)
class Finding:
    """One rule that applies to one change (or to a whole stack), with what shows it.

    ``lines`` are `attribute: before → after`, or with ``diff`` lines that begin with +, - or blank.
    """

    rule: Rule
    change: Change | None
    note: str = ""
    lines: tuple[str, ...] = ()
    diff: bool = False
    stack: str = ""

    @property
    def where(self) -> str:
        """The construct's path in our code."""
        return self.change.path if self.change else self.stack

    def under(self, rule: Rule, note: str) -> Finding:
        """The same finding under another rule."""
        return replace(self, rule=rule, note=note)
