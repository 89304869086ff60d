"""The options and output of the commands that write a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tools.errors import ToolError
from tools.plan_review.report import COMMENT_LIMIT


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `--output` and `--full` to a command."""
    file = click.Path(dir_okay=False, path_type=Path)
    output = "Write the report to FILE instead of standard output."
    full = (
        "Also write the complete report to FILE. The report itself is at most"
        f" {COMMENT_LIMIT:,} bytes long, GitHub's limit for comments."
    )
    with_full = click.option("--full", type=file, metavar="FILE", help=full)(function)
    return click.option("--output", type=file, metavar="FILE", help=output)(with_full)


def write_report(output: Path | None, full: Path | None, text: str, full_text: str) -> None:
    """Write a report as the options say; with `--output`, print its first line on stderr."""
    if full:
        _write(full, full_text)
    if output:
        _write(output, text)
        log(text.partition("\n")[0])
    else:
        # Bytes, because the encoding of the terminal may lack some characters.
        click.echo(text.encode("utf-8", "replace"), nl=False)


def log(text: str) -> None:
    """Print a message on standard error; standard output has the report only."""
    click.echo(text, err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise ToolError(
            f"report: received {str(path)!r}, which cannot be written ({error.strerror});"
            " accepted: a file in a folder that exists. Choose another one."
        ) from error
