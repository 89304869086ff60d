"""What the tools with a report have in common on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tools.errors import ToolError
from tools.plan_review.report import COMMENT_LIMIT


class Arguments(argparse.ArgumentParser):
    """Ends with 1 on wrong arguments; 2 is a verdict here."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(1, f"error: {self.prog}: {message}. See --help.\n")


def arguments(name: str, about: str) -> Arguments:
    """The arguments that the tools with a report have in common."""
    parser = Arguments(prog=name, description=about)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the report there, not on the terminal"
    )
    parser.add_argument(
        "--full",
        type=Path,
        metavar="FILE",
        help=f"also write it in full, however long; the report keeps within {COMMENT_LIMIT:,}"
        " bytes, which is GitHub's limit of a comment",
    )
    return parser


def write(path: Path, text: str) -> None:
    """Write a report into a file; ToolError if that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ToolError(
            f"report: received {str(path)!r}, which cannot be written ({error.strerror});"
            " accepted: a file in a folder that exists. Choose another one."
        ) from error


def say(text: str) -> None:
    """Tell on the standard error output how far it is; the report alone goes to the other one."""
    print(text, file=sys.stderr, flush=True)


def deliver(options: argparse.Namespace, text: str, full: str) -> None:
    """Hand over a report as the arguments say, and in full where that was asked for."""
    if options.full:
        write(options.full, full)
    if options.output:
        write(options.output, text)
        say(text.partition("\n")[0])
    else:
        print(text, end="")


def guarded(run: Callable[[], int]) -> NoReturn:
    """Run a tool's main and exit with its code; 1 and one message where it fails."""
    try:
        code = run()
    except ToolError as error:
        say(f"error: {error}")
        code = 1
    except KeyboardInterrupt:
        say("interrupted")
        code = 130
    sys.exit(code)
