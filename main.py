"""Synthesizes the stacks that the settings name into `cdktf.out` (or `$CDKTF_OUTDIR`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from lib.bindings import enable_fast_bindings, start_kernel


def stop(message: str) -> NoReturn:
    """Print one `error:` line for each line of the message and exit with code 2."""
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise SystemExit(2)


def main() -> None:
    """Read the settings and synthesize; exit with code 2 and a message if that is not possible."""
    # Node.js starts and loads the bindings while Python imports and reads the settings.
    enable_fast_bindings()
    start_kernel()
    try:
        from lib.settings import SettingsError, load_settings
    except ModuleNotFoundError as error:
        stop(
            f"Python packages: received an environment without {error.name!r}; accepted: the one"
            " that Pipfile.lock describes. Run `make setup`, then `.venv/bin/python main.py`."
        )
    try:
        settings = load_settings()
    except SettingsError as error:
        stop(str(error))

    from lib.synthesis import SynthesisError, synthesize

    try:
        synthesize(settings, Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out"))
    except SynthesisError as error:
        stop(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
