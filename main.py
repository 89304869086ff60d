"""Synthesizes the stacks that the settings ask for into `cdktf.out` (or `$CDKTF_OUTDIR`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn


def stop(message: str) -> NoReturn:
    """End with a message for the person who ran this, and nothing written."""
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise SystemExit(2)


def discard_empty(outdir: Path) -> None:
    """Take away the folders that `App` made, unless an earlier synth filled them."""
    for folder in (outdir / "stacks", outdir):
        with contextlib.suppress(OSError):
            folder.rmdir()


def main() -> None:
    """Settings in, Terraform JSON out; exit code 2 with a message where settings are wrong."""
    # Settings come first: wrong ones are told before the bindings and Node take their time.
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
    node = os.environ.get("JSII_NODE", "node")
    if not shutil.which(node):
        stop(
            f"Node.js: received no program named {node!r} on PATH; accepted: Node.js 20 or 22."
            " Install it, or name it with JSII_NODE."
        )

    # Tested here with Node 20; jsii's eleven lines about its age would hide what matters.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

    from cdktf import App

    from lib.stacks import STACKS

    unknown = [name for name in settings.stacks if name not in STACKS]
    if unknown:
        stop(
            f"STACKS: received {','.join(settings.stacks)!r}; accepted: names among"
            f" {', '.join(STACKS)}, separated by commas. Correct {unknown[0]!r}."
        )
    try:
        app = App()
    except RuntimeError as error:
        place = os.environ.get("CDKTF_OUTDIR", "cdktf.out")
        stop(
            f"CDKTF_OUTDIR: received {place!r}, which cannot be made ({error}); accepted: a folder"
            " that can be written to, in one that exists. Choose another one."
        )
    try:
        for name in dict.fromkeys(settings.stacks):
            STACKS[name](app, name, settings=settings)
    except (SettingsError, ValueError, OSError) as error:
        discard_empty(Path(app.outdir))
        stop(str(error))
    app.synth()


if __name__ == "__main__":
    main()
