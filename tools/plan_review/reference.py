"""Generates the table of rules in docs/plan-review.md."""

from __future__ import annotations

from pathlib import Path

from tools.plan_review.noise import KINDS
from tools.plan_review.rules import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plan-review.md"
BEGIN = "<!-- rules: generated from tools/plan_review/rules.py -->"
END = "<!-- end of rules -->"


def table() -> str:
    """Return the rules as a Markdown table."""
    rows = [
        f"| {rule.level.name.lower()} | `{rule.name}` | {rule.title} | {rule.section.value} |"
        f" {rule.description} |"
        for rule in RULES.values()
    ]
    return "\n".join(
        [
            "| level | rule | title in the report | section | applies if |",
            "|---|---|---|---|---|",
            *rows,
            "| safe | – | – | Other changes | anything else is created or changed |",
            f"| safe | – | – | Known noise | {'; '.join(KINDS)} |",
        ]
    )


def document() -> str:
    """Return the text of docs/plan-review.md with the current table of rules."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
