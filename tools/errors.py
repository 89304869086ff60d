"""How the tools end when the person who ran them has to do something."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn


class ToolError(Exception):
    """Something outside the tool is not as it must be.

    The message names what was looked at, what was received, what is accepted and what to do.
    """


def run(main: Callable[[], int]) -> NoReturn:
    """Run a tool's ``main`` and exit with its code; 2 and one message after a ToolError."""
    try:
        code = main()
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
