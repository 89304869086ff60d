"""Writes the table of settings into README.md: `python -m tools.settings_table`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from lib.settings import Settings

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def rows() -> Iterator[str]:
    """A row for each setting of a section: variable, default, what is accepted."""
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for name, field in model.model_fields.items():
            value = field.default
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            if isinstance(value, bool):
                shown = str(value).lower()
            default = f"`{shown}`" if shown not in (None, "") else "none"
            if name == "availability_zones":
                default = "the Region's `a` and `b`"
            if (section, name) == ("web", "region"):
                default = "`AWS_REGION`"
            yield f"| `TAP_{section}_{name}` ".upper() + f"| {default} | {field.description} |"


def table() -> str:
    """The whole table, as it stands in the README."""
    return "\n".join(["| variable | default | accepted |", "|---|---|---|", *rows()]) + "\n"


def with_table(readme: str) -> str:
    """The README's text with the table as it should be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
