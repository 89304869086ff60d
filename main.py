"""Synthesizes the stacks that the settings ask for into `cdktf.out` (or `$CDKTF_OUTDIR`)."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from lib.settings import Settings


def stop(message: str) -> NoReturn:
    """End with a message for the person who ran this, and nothing written."""
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise SystemExit(2)


def check(folder: Path, settings: Settings) -> None:
    """Stop where a stack breaks a rule that needs no plan to be judged."""
    from lib.rules import Template, findings

    found = []
    for name in dict.fromkeys(settings.stacks):
        document = json.loads((folder / "stacks" / name / "cdk.tf.json").read_text("utf-8"))
        found += findings(Template(document, settings), severity="high")
    if found:
        stop("\n".join(str(one) for one in sorted(found)))


def publish(folder: Path) -> None:
    """Put what was synthesized where Terraform looks for it, beside what it keeps there."""
    place = os.environ.get("CDKTF_OUTDIR") or "cdktf.out"
    try:
        shutil.copytree(folder, place, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except OSError as error:
        stop(
            f"CDKTF_OUTDIR: received {place!r}, which cannot be written ({error}); accepted: a"
            " folder that can be written to, or made. Choose another one."
        )


def main() -> None:
    """Settings in, Terraform JSON out; exit code 2 with a message where something is wrong."""
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

    from lib.bindings import enable_fast_bindings

    enable_fast_bindings()
    from cdktf import App

    from lib.stacks import STACKS

    unknown = [name for name in settings.stacks if name not in STACKS]
    if unknown:
        stop(
            f"STACKS: received {','.join(settings.stacks)!r}; accepted: names among"
            f" {', '.join(STACKS)}, separated by commas. Correct {unknown[0]!r}."
        )
    # Made aside, so that what is refused leaves an earlier synth as it was.
    with tempfile.TemporaryDirectory(prefix="synth-") as aside:
        # In a folder of its own in there, whose mode is not the temporary one's.
        folder = Path(aside) / "cdktf.out"
        app = App(outdir=str(folder))
        try:
            for name in dict.fromkeys(settings.stacks):
                STACKS[name](app, name, settings=settings)
        except (SettingsError, ValueError, OSError) as error:
            stop(str(error))
        app.synth()
        check(folder, settings)
        publish(folder)


if __name__ == "__main__":
    main()
