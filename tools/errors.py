"""The errors and exit codes of all commands.

0 success, nothing to act on; 1 a check failed; 2 invalid input or environment, wrong usage
included; 3 a plan needs a reviewer's attention; 70 an error of the command itself; 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

FAILED = 1
INVALID = 2
# EX_SOFTWARE of sysexits.h: a crash is neither a failed check nor invalid input.
CRASHED = 70
INTERRUPTED = 130


class ToolError(Exception):
    """The input or the environment of a tool is invalid.

    The message names the field, the value received, the values accepted and the remedy.
    """


def exit_code(main: Callable[[], object]) -> int:
    """Call `main` and return the exit code: its integer result, 0 for any other result.

    Errors of the tools, the settings and the synthesis are printed as one message on standard
    error, other errors with their traceback.
    """
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return INVALID
    except Exception as error:
        if not isinstance(error, _project_errors()):
            traceback.print_exc()
            return CRASHED
        for problem in str(error).splitlines():
            print(f"error: {problem}", file=sys.stderr)
        return INVALID
    return code if isinstance(code, int) else 0


def _project_errors() -> tuple[type[Exception], ...]:
    """The errors of the settings and the synthesis, if these are imported."""
    names = (("lib.settings", "SettingsError"), ("lib.synthesis", "SynthesisError"))
    modules = [(sys.modules.get(module), name) for module, name in names]
    return tuple(getattr(module, name) for module, name in modules if module is not None)
