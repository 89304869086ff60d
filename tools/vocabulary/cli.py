"""`tap vocabulary`: fails if a file contains a term of the word list."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from tools.vocabulary.checker import is_checked, load_terms, occurrences

PROJECT = Path(__file__).resolve().parents[2]


@click.command(name="vocabulary")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def command(paths: tuple[Path, ...]) -> None:
    """Check that the project uses standard terms only.

    Reads PATHS, or all files of the repository. Prints file, line, the word and its replacement.
    Exit codes: 0 no such word, 1 at least one, 2 invalid input.
    """
    words = load_terms()
    found = []
    for path in paths or repository_files(PROJECT):
        if not is_checked(path):
            continue
        full = path.resolve()
        name = str(full.relative_to(PROJECT) if full.is_relative_to(PROJECT) else path)
        found += occurrences(name, full.read_text(encoding="utf-8"), words)
    for one in sorted(found):
        click.echo(str(one))
    if found:
        click.echo(f"vocabulary: {len(found)} words to replace (tools/vocabulary/terms.toml)")
        raise SystemExit(1)


def repository_files(project: Path) -> list[Path]:
    """The files that Git tracks or would track. Raises `click.UsageError` outside a repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.UsageError(
            f"PATHS: received none, and {project} is not a Git repository; accepted: files."
            " Name the files to check."
        )
    names = [name for name in done.stdout.split("\0") if name]
    return [project / name for name in sorted(names) if (project / name).is_file()]


if __name__ == "__main__":
    command()
