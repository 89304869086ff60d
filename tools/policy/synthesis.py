"""Synthesizes the stacks that the checks evaluate, whether or not they comply with the rules."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lib.settings import SettingsError, load_settings
from lib.stacks import STACKS, placeholder_variables
from lib.synthesis import SynthesisError
from lib.synthesis import synthesize as synthesize_settings
from lib.template import Template
from tools.errors import ToolError


def variables(stacks: Sequence[str] = ()) -> dict[str, str]:
    """The environment, with placeholders for settings without a default.

    The stacks are those given, else those in the variable STACKS, else all.
    """
    given = placeholder_variables() | {"STACKS": ",".join(STACKS)}
    given |= {name: value for name, value in os.environ.items() if value}
    return given | ({"STACKS": ",".join(stacks)} if stacks else {})


def synthesize(folder: Path, stacks: Sequence[str] = ()) -> list[Template]:
    """Synthesize stacks into a folder; violations are left to the caller, which reports all."""
    try:
        settings = load_settings(variables(stacks))
        return [*synthesize_settings(settings, folder, evaluate_rules=False)]
    except (SettingsError, SynthesisError) as error:
        raise ToolError(str(error)) from error
