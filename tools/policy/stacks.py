"""The stacks as the gate looks at them: synthesized, whether or not they keep the rules."""

from __future__ import annotations

import os
from pathlib import Path

from lib.rules import Template
from lib.settings import SettingsError, load_settings
from tools.checkov import environment, read
from tools.errors import ToolError


def synthesize(folder: Path) -> list[Template]:
    """Synthesize the stacks in STACKS (by default all there are) into a folder.

    Not by `main.py`, which refuses what breaks a rule: the gate tells all that is wrong at once.
    """
    try:
        settings = load_settings(environment())
    except SettingsError as error:
        raise ToolError(str(error)) from error
    # jsii's lines about the age of Node would stand before the report.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    from cdktf import App

    from lib.stacks import STACKS

    app = App(outdir=str(folder))
    for name in dict.fromkeys(settings.stacks):
        STACKS[name].load()(app, name, settings=settings)
    app.synth()
    return read(folder)
