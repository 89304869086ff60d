"""Generates the table of ends of support in docs/maintenance.md."""

from __future__ import annotations

from pathlib import Path

from lib.end_of_support import ENDS_OF_SUPPORT

PAGE = Path(__file__).resolve().parents[1] / "docs" / "maintenance.md"
BEGIN = "<!-- dates: generated from lib/end_of_support.py -->"
END = "<!-- end of dates -->"


def table() -> str:
    """Return the ends of support as a Markdown table; it does not depend on the current date."""
    rows = [
        f"| {row.end.day} {row.end:%B %Y} | [{row.name}]({row.source}) | {row.effect} |"
        f" {row.remedy}{f'; accepted: {row.accepted}' if row.accepted else ''} |"
        for row in sorted(ENDS_OF_SUPPORT, key=lambda one: (one.end, one.product))
    ]
    return "\n".join(
        ["| last day of support | component | effect | what to do |", "|---|---|---|---|", *rows]
    )


def document() -> str:
    """Return the text of docs/maintenance.md with the current table."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
