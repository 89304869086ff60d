"""Synthesizes stacks for tests, each once in a test session for the same settings."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lib.settings import Settings, load_settings
from lib.settings.loading import CONFIG_DIRECTORY
from lib.stacks import STACKS
from lib.synthesis import synthesize
from tests.support.template import Template

ENVIRONMENTS = sorted(file.stem for file in CONFIG_DIRECTORY.glob("*.toml"))
# The suffix is no default of a setting, so that tests detect names that ignore the setting.
DEFAULTS = {"ENVIRONMENT_SUFFIX": "unit", "TERRAFORM_STATE_BUCKET": "unit-terraform-state"}
PLACEHOLDERS = {name: dict(spec.placeholders) for name, spec in STACKS.items()}
NO_CONFIG = Path("no-such-directory")
UNRESOLVED_TOKEN = re.compile(r"\$\{TfToken|#\{Token|-1\.88815458970874")


class Synthesizer:
    """Returns templates; the same stack with the same variables is synthesized once.

    `directory` holds the JSON of every synthesized stack. The processes of one test session
    (workers of pytest-xdist) share it, and wait for the process that holds the lock of a stack.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._templates: dict[str, Template] = {}

    def __call__(self, stack: str = "tap", **variables: str) -> Template:
        """A stack with `DEFAULTS` and these environment variables, without configuration files."""
        given = DEFAULTS | PLACEHOLDERS[stack] | variables
        return self._template(stack, given, NO_CONFIG)

    def environment(self, suffix: str, stack: str = "tap") -> Template:
        """A stack as `config/<suffix>.toml` configures it."""
        given = {"ENVIRONMENT_SUFFIX": suffix} | PLACEHOLDERS[stack]
        return self._template(stack, given, CONFIG_DIRECTORY)

    def _template(self, stack: str, variables: Mapping[str, str], config: Path) -> Template:
        variables = {**variables, "STACKS": stack}
        identity = json.dumps([stack, config.name, variables], sort_keys=True)
        key = hashlib.sha256(identity.encode()).hexdigest()[:24]
        if key not in self._templates:
            settings = load_settings(variables, config)
            self._templates[key] = Template(self._document(settings, key))
        return self._templates[key]

    def _document(self, settings: Settings, key: str) -> dict[str, Any]:
        """The stack's JSON, read from the shared directory or synthesized into it."""
        file = self.directory / f"{key}.json"
        with (self.directory / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.is_file():
                written = self.directory / f"{key}.part"
                written.write_text(json.dumps(synthesized(settings, self.directory / key)))
                written.rename(file)
        document: dict[str, Any] = json.loads(file.read_text())
        return document


def shared_folder(base: Path, name: str) -> Path:
    """A folder that all processes of the test session share, below pytest's temporary folder."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    folder.mkdir(exist_ok=True)
    return folder


def synthesized(settings: Settings, output: Path) -> dict[str, Any]:
    """The JSON of the only stack in `settings.stacks`, read from the file that Terraform reads.

    Rules are not evaluated: the tests of the rules do it. Fails on unresolved tokens.
    """
    (template,) = synthesize(settings, output, evaluate_rules=False)
    text = (output / "stacks" / template.stack / "cdk.tf.json").read_text()
    assert not UNRESOLVED_TOKEN.search(text), "an unresolved token"
    document: dict[str, Any] = json.loads(text)
    return document
