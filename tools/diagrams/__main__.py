"""Draws every stack into `docs/architecture/`, as `config/dev.toml` describes it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lib.settings import SettingsError, load_settings
from lib.stacks import placeholder_variables
from tools.diagrams.svg import Drawing
from tools.errors import ToolError, run

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "architecture"


def synthesized() -> Iterator[tuple[str, dict[str, object]]]:
    """The JSON of each stack of the environment `dev`; what no file may know is made up."""
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    from cdktf import App

    from lib.stacks import STACKS

    given = placeholder_variables() | {"ENVIRONMENT_SUFFIX": "dev", "STACKS": ",".join(STACKS)}
    try:
        settings = load_settings(given)
    except SettingsError as error:
        raise ToolError(str(error)) from None
    with tempfile.TemporaryDirectory() as outdir:
        app = App(outdir=outdir)
        for name, stack in STACKS.items():
            stack.load()(app, name, settings=settings)
        app.synth()
        for name in STACKS:
            file = Path(outdir, "stacks", name, "cdk.tf.json")
            yield name, json.loads(file.read_text(encoding="utf-8"))


def pictures() -> dict[str, str]:
    """The SVG of each stack by the stack's name."""
    return {name: Drawing(document).text() for name, document in synthesized()}


def main() -> int:
    """Write the pictures, and tell which changed."""
    DOCUMENTS.mkdir(exist_ok=True)
    for name, document in synthesized():
        file = DOCUMENTS / f"{name}.svg"
        before = file.read_text(encoding="utf-8") if file.exists() else None
        text = Drawing(document).text()
        file.write_text(text, encoding="utf-8", newline="\n")
        print(f"docs/architecture/{file.name}: {'unchanged' if text == before else 'written'}")
    return 0


if __name__ == "__main__":
    run(main)
