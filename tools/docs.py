"""`tap docs`: writes every generated document and picture, or lists those that are stale.

A generator is one row of `GENERATORS`: a path, and the function that returns its text. A path with
`*` stands for several files; its function returns a mapping from what `*` matches to the text.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import click

from lib.bindings import enable_fast_bindings
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.project import ROOT


class Generator(NamedTuple):
    """A generated document: its path below the project's root, and `module:function`."""

    path: str
    function: str


GENERATORS = (
    Generator("lib/settings/regions.py", "tools.regions_table:document"),
    Generator("docs/settings.md", "tools.settings_table:document"),
    Generator("docs/compliance.md", "tools.policy.compliance:document"),
    Generator("docs/plan-review.md", "tools.plan_review.reference:document"),
    Generator("docs/architecture/*.svg", "tools.diagrams:draw_stacks"),
)


def generate(generator: Generator, root: Path = ROOT) -> Iterator[tuple[Path, str | None]]:
    """Each file of a generator with its text; None where the file is no longer generated."""
    enable_fast_bindings()
    module, _, name = generator.function.partition(":")
    made = getattr(importlib.import_module(module), name)()
    texts: Mapping[str, str] = {"": made} if isinstance(made, str) else made
    paths = {root / generator.path.replace("*", part): text for part, text in texts.items()}
    yield from paths.items()
    if "*" in generator.path:
        yield from ((file, None) for file in sorted(root.glob(generator.path)) if file not in paths)


def is_stale(file: Path, text: str | None) -> bool:
    """Whether a file differs from its generated text, or exists without one."""
    return (file.read_text(encoding="utf-8") if file.exists() else None) != text


def stale_documents(root: Path = ROOT) -> list[str]:
    """The paths of all generated documents that are not up to date."""
    return [
        str(file.relative_to(root))
        for generator in GENERATORS
        for file, text in generate(generator, root)
        if is_stale(file, text)
    ]


def write_documents(root: Path = ROOT) -> list[str]:
    """Write or remove all stale documents; returns one line for each."""
    lines = []
    for generator in GENERATORS:
        for file, text in generate(generator, root):
            if not is_stale(file, text):
                continue
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="\n")
            lines.append(f"{file.relative_to(root)}: {'removed' if text is None else 'written'}")
    return lines


@click.command(cls=ToolCommand)
@click.option("--check", is_flag=True, help="Write nothing; list the stale documents, exit 1.")
def command(check: bool) -> int:
    """Write every generated document and picture, and print those that changed."""
    if check:
        stale = stale_documents()
        for path in stale:
            click.echo(f"{path}: stale; run `make docs`")
        return FAILED if stale else 0
    for line in write_documents():
        click.echo(line)
    return 0
