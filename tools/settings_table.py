"""The text of `docs/settings.md`, generated from the settings; `make docs` writes it."""

# ruff: noqa: E501 - the page's own lines are longer

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from lib.settings import PLAIN_VARIABLES, Settings

INTRODUCTION = """# Settings

Environment variables take precedence over `config/<suffix>.toml`, and the file over the defaults. For each invalid field one line
with the value received, the values accepted and the correction is printed, and nothing is written. Lists are separated by commas.

In the file, fields without a section are at the top (`aws_region = "eu-west-1"`), the others in their section:

```toml
[database]
reader_count = 2
```

`make docs` writes this page from the settings; a test fails if it is stale.
"""
# Defaults that depend on other settings.
DERIVED = {
    ("terraform_state_bucket_region",): "as `AWS_REGION`",
    ("terraform_state_bucket",): "none; in `config/` for dev and prod",
    ("web", "region"): "as `AWS_REGION`",
}


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _table("The deployment", _plain_rows())]
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            title = (model.__doc__ or section).strip().splitlines()[0].rstrip(".")
            parts.append(_table(f"`[{section}]`: {title}", _section_rows(section, model)))
    return "\n".join(parts)


def _table(title: str, rows: Iterator[str]) -> str:
    head = ["| variable | default | accepted |", "|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows]) + "\n"


def _plain_rows() -> Iterator[str]:
    for variable, name in PLAIN_VARIABLES.items():
        field = Settings.model_fields[name]
        yield f"| `{variable}` | {_default((name,), field.default)} | {field.description} |"


def _section_rows(section: str, model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = f"TAP_{section}_{name}".upper()
        yield f"| `{variable}` | {_default((section, name), field.default)} | {field.description} |"


def _default(path: tuple[str, ...], value: object) -> str:
    if path in DERIVED:
        return DERIVED[path]
    if path[-1] == "availability_zones":
        return "the Region's `a` and `b`"
    shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
    if isinstance(value, bool):
        shown = str(value).lower()
    return f"`{shown}`" if shown not in (None, "") else "none"
