"""Synthesizes stacks to Terraform JSON. Every command and test that synthesizes does it here.

A stack that violates a rule of high severity is not published: the output folder keeps the result
of the previous synthesis.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lib.bindings import enable_fast_bindings
from lib.settings import Settings, SettingsError
from lib.stacks import STACKS, placeholder_variables
from lib.template import Template

if TYPE_CHECKING:
    from cdktf import App

__all__ = [
    "PROJECT",
    "SynthesisError",
    "placeholder_variables",
    "read_templates",
    "run_synthesis",
    "synthesize",
]

PROJECT = Path(__file__).resolve().parents[1]


class SynthesisError(Exception):
    """The stacks cannot be synthesized; the message has one line for each problem."""


def synthesize(
    settings: Settings, output: Path, *, evaluate_rules: bool = True
) -> Sequence[Template]:
    """Synthesize the stacks in `settings.stacks` in this process and return them.

    Writes `stacks/<name>/cdk.tf.json` and the assets into `output`, next to what Terraform keeps
    there. With `evaluate_rules=False` the caller evaluates the rules. Raises `SynthesisError` and
    leaves `output` unchanged if a stack is unknown, cannot be built or violates a rule of high
    severity, if two resources have the same physical name, or if Node.js is missing.
    """
    names = tuple(dict.fromkeys(settings.stacks))
    if unknown := [name for name in names if name not in STACKS]:
        raise SynthesisError(
            f"STACKS: received {','.join(settings.stacks)!r}; accepted: names among"
            f" {', '.join(STACKS)}, separated by commas. Correct {unknown[0]!r}."
        )
    node = os.environ.get("JSII_NODE", "node")
    if not shutil.which(node):
        raise SynthesisError(
            f"Node.js: received no program named {node!r} on PATH; accepted: Node.js 20 or 22."
            " Install it, or name it with JSII_NODE."
        )
    # This project is tested with Node.js 20; jsii's banner about its age would hide messages.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    enable_fast_bindings()
    App = _import_app()  # noqa: N806

    with tempfile.TemporaryDirectory(prefix="synth-") as scratch:
        # A subfolder, because the mode of the temporary folder itself is 0700.
        folder = Path(scratch) / "cdktf.out"
        app = App(outdir=str(folder))
        try:
            for name in names:
                STACKS[name].load()(app, name, settings=settings)
        except (SettingsError, ValueError, FileNotFoundError) as error:
            raise SynthesisError(str(error)) from error
        app.synth()
        templates = read_templates(folder)
        if evaluate_rules:
            _evaluate_rules(templates)
        _publish(folder, output)
    return templates


def _import_app() -> type[App]:
    """Import cdktf, which starts Node.js."""
    try:
        from cdktf import App
    except (RuntimeError, OSError) as error:
        raise SynthesisError(
            f"Node.js: received a program that does not run jsii ({error}); accepted: Node.js 20 or"
            " 22. Install it, or name it with JSII_NODE."
        ) from error
    return App


def read_templates(folder: Path) -> list[Template]:
    """Read the stacks that were synthesized into a folder, ordered by name."""
    return [
        Template(json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(folder.glob("stacks/*/cdk.tf.json"))
    ]


def run_synthesis(
    output: Path,
    variables: Mapping[str, str],
    *,
    python: str = sys.executable,
    project: Path = PROJECT,
) -> None:
    """Run `main.py` of a checkout in a process of its own, with `variables` over the environment.

    Raises `SynthesisError` with the messages of `main.py`.
    """
    if not (project / "main.py").is_file():
        raise SynthesisError(
            f"main.py: received a folder without it, {project.name!r}; accepted: a checkout of this"
            " repository. Run the command there."
        )
    environment = {**os.environ, **variables, "CDKTF_OUTDIR": str(output)}
    # Without byte code every start of Python takes several times as long.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(  # noqa: S603
        [python, "main.py"],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        messages = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        raise SynthesisError(
            "\n".join(messages)
            or f"main.py: exit code {done.returncode}:\n" + "\n".join(lines[-20:])
        )


def _evaluate_rules(templates: Sequence[Template]) -> None:
    from lib.rules import duplicate_physical_names, findings

    found = [one for template in templates for one in findings(template, severity="high")]
    problems = [str(one) for one in sorted(found)]
    problems += [
        f"{one}. Give each stack a prefix of its own in lib/stacks.py."
        for one in duplicate_physical_names(templates)
    ]
    if problems:
        raise SynthesisError("\n".join(problems))


def _publish(folder: Path, output: Path) -> None:
    """Copy the synthesized files to the output folder; other files there remain."""
    try:
        shutil.copytree(folder, output, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except OSError as error:
        raise SynthesisError(
            f"CDKTF_OUTDIR: received {str(output)!r}, which cannot be written ({error}); accepted:"
            " a folder that can be written to, or created. Choose another one."
        ) from error
