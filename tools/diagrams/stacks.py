"""Diagrams of the registered stacks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from lib.settings import SettingsError, load_settings
from lib.stacks import STACKS, placeholder_variables
from lib.synthesis import SynthesisError, synthesize
from tools.diagrams.svg import Diagram
from tools.errors import ToolError
from tools.project import ROOT

FOLDER = ROOT / "docs" / "architecture"
"""The folder of the diagrams, one file ``STACK.svg`` per stack."""


def draw_stacks(names: Iterable[str] = STACKS) -> dict[str, str]:
    """Return the SVG of each named stack (all), as ``config/dev.toml`` configures it.

    Settings without a default have their placeholders; rules are not evaluated. Raises ToolError
    if the stacks cannot be synthesized.
    """
    variables = placeholder_variables() | {"ENVIRONMENT_SUFFIX": "dev", "STACKS": ",".join(names)}
    with tempfile.TemporaryDirectory() as output:
        try:
            templates = synthesize(load_settings(variables), Path(output), evaluate_rules=False)
        except (SettingsError, SynthesisError) as error:
            raise ToolError(str(error)) from error
    return {
        template.stack: Diagram(template, STACKS[template.stack]).svg() for template in templates
    }
