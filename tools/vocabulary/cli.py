"""`tap vocabulary`: fails if a file contains a term of the word list."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from tools.command import ToolCommand
from tools.errors import FAILED, ToolError
from tools.project import ROOT
from tools.vocabulary.checker import Occurrence, is_checked, load_terms, occurrences


@click.command(cls=ToolCommand)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def command(paths: tuple[Path, ...]) -> int:
    """Check that the project uses standard terms only.

    Reads PATHS, or all files of the repository. Prints file, line, word and replacement; fails if
    there is any.
    """
    words = load_terms()
    found: list[Occurrence] = []
    for path in paths or repository_files(ROOT):
        if not is_checked(path):
            continue
        full = path.resolve()
        name = str(full.relative_to(ROOT) if full.is_relative_to(ROOT) else path)
        found += occurrences(name, full.read_text(encoding="utf-8"), words)
    for one in sorted(found):
        click.echo(str(one))
    if found:
        click.echo(f"vocabulary: {len(found)} words to replace (tools/vocabulary/terms.toml)")
    return FAILED if found else 0


def repository_files(project: Path) -> list[Path]:
    """The files that Git tracks or would track. Raises `ToolError` outside a repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(
            "PATHS: received nothing outside a Git repository; accepted: files. Name the files to"
            " check."
        )
    names = [name for name in done.stdout.split("\0") if name]
    return [project / name for name in sorted(names) if (project / name).is_file()]


if __name__ == "__main__":
    command()
