"""Synthesizes stacks in this process, each once for the same settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cdktf import App

from lib.settings import Settings, load_settings
from lib.settings.loading import CONFIG_DIRECTORY
from lib.stacks import STACKS
from tests.support.template import Template

ENVIRONMENTS = sorted(file.stem for file in CONFIG_DIRECTORY.glob("*.toml"))
# A suffix that no default has, so that a name that forgets the setting is seen.
DEFAULTS = {"ENVIRONMENT_SUFFIX": "unit", "TERRAFORM_STATE_BUCKET": "unit-terraform-state"}
NEEDED = {name: dict(spec.placeholders) for name, spec in STACKS.items()}


class Synthesizer:
    """Calls give templates; the same stack with the same variables is synthesized once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._done: dict[tuple[object, ...], Template] = {}

    def __call__(self, stack: str = "tap", **variables: str) -> Template:
        """A stack under `DEFAULTS` and environment variables, without configuration files."""
        given = DEFAULTS | dict(STACKS[stack].placeholders) | variables
        return self._template(stack, given, self.directory / "no-such-directory")

    def environment(self, suffix: str, stack: str = "tap") -> Template:
        """A stack as `config/<suffix>.toml` describes it."""
        given = {"ENVIRONMENT_SUFFIX": suffix} | dict(STACKS[stack].placeholders)
        return self._template(stack, given, CONFIG_DIRECTORY)

    def _template(self, stack: str, variables: dict[str, str], config: Path) -> Template:
        variables = variables | {"STACKS": stack}
        key = (stack, config, *sorted(variables.items()))
        if key not in self._done:
            settings = load_settings(variables, config)
            outdir = self.directory / str(len(self._done))
            self._done[key] = Template(synthesize(settings, stack, outdir), settings)
        return self._done[key]


def synthesize(settings: Settings, stack: str, outdir: Path) -> dict[str, object]:
    """The stack's JSON, through files, as Terraform reads it."""
    app = App(outdir=str(outdir))
    STACKS[stack].load()(app, stack, settings=settings)
    app.synth()
    text = (outdir / "stacks" / stack / "cdk.tf.json").read_text()
    assert not re.search(r"\$\{TfToken|#\{Token|-1\.88815458970874", text), "an unresolved token"
    document: dict[str, object] = json.loads(text)
    return document
