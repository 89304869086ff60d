"""Runs shellcheck on every shell script of the repository.

These are files with a shebang, the recipes of the Makefile, the steps of the workflows, the blocks
`sh` of the documents, and the user data in the synthesized stacks. A suppression is a comment above
the line: `# shellcheck disable=SC0000 # why it does not apply`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import yaml

from lib.rules import Finding
from lib.template import Template, strings
from tools.policy.iam import REFERENCE
from tools.policy.programs import FOLDER, run_json
from tools.policy.suppressions import Script
from tools.policy.workflows import workflow_files
from tools.project import ROOT, repository_files

PROGRAM = FOLDER / "shellcheck" / "bin" / "shellcheck"
SHEBANG = re.compile(r"#!.*\b(?:ba|da|k)?sh\b")
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# Before the lines of a script that has no shebang.
# A value that the reader of a document inserts: `<account>`.
PLACEHOLDER = re.compile(r"<[A-Za-z0-9][\w -]*>")
DIRECTIVE = "# shellcheck shell=bash\n"
UNSUITABLE = {
    # A block of a document or a step is part of a sequence, which sets and reads variables.
    "SC2034": "a variable is not read",
    "SC2154": "a variable is not set",
    # A recipe or a step ends at the first error.
    "SC2164": "the exit code of cd is not evaluated",
    # The local deployment writes the file that a document reads.
    "SC1091": "a sourced file is not in the repository",
}


def is_program(script: Script) -> bool:
    """Whether a script is a program of its own, which has a shebang."""
    return script.text.startswith("#!")


def scripts_of_file(file: Path, root: Path = ROOT) -> Iterator[Script]:
    """The scripts in a file: the file itself, blocks of a document, recipes, or steps."""
    name = str(file.relative_to(root))
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if SHEBANG.match(text):
        yield Script("", name, 1, text)
    elif file.suffix == ".md":
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start(2)) + 1
            commands = PLACEHOLDER.sub("placeholder", found[2])
            yield Script("", name, line, re.sub(f"(?m)^{found[1]}", "", commands))
    elif file.name == "Makefile":
        yield from (Script("", name, line, recipe) for line, recipe in recipes(text))
    elif file in workflow_files(root):
        yield from (Script("", name, line, step) for line, step in steps(text))


def recipes(makefile: str) -> Iterator[tuple[int, str]]:
    """Each recipe with its first line: the shell's text, with words in place of make's variables.

    Lines that end with a backslash continue on the next line, as in make.
    """
    numbered = list(enumerate(makefile.splitlines(), 1))
    for is_recipe, group in groupby(numbered, lambda one: one[1].startswith("\t")):
        if not is_recipe:
            continue
        lines = list(group)
        text = "\n".join(re.sub(r"^\t[@+-]*", "", line) for _, line in lines)
        yield lines[0][0], _without_make_variables(text) + "\n"


def _without_make_variables(text: str) -> str:
    text = text.replace("$$", "\0")
    count = 1
    while count:
        text, count = re.subn(r"\$\([^()]*\)|\$[@<^*?+]", "value", text)
    return text.replace("\0", "$")


def steps(workflow: str) -> Iterator[tuple[int, str]]:
    """Each `run` of a workflow or a composite action with its first line."""

    def visit(node: yaml.Node) -> Iterator[tuple[int, str]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == "run" and isinstance(value, yaml.ScalarNode):
                    # The text of a block scalar begins below its indicator.
                    line = value.start_mark.line + (2 if value.style in ("|", ">") else 1)
                    yield line, value.value.rstrip("\n") + "\n"
                else:
                    yield from visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from visit(item)

    document = yaml.compose(workflow, Loader=yaml.SafeLoader)
    if document is not None:
        yield from visit(document)


def scripts_of_stack(template: Template) -> Iterator[Script]:
    """The user data in a stack, with words in place of Terraform references."""
    paths = {one.address: one.path for one in template.resources()}
    for block in ("resource", "locals"):
        for argument, text in strings(template.document.get(block, {})):
            if SHEBANG.match(text):
                path = paths.get(".".join(argument.split(".")[:2]), argument)
                plain = REFERENCE.sub("name", text).replace("$${", "${").replace("%%{", "%{")
                yield Script(template.stack, f"{template.stack}/{path}", 1, plain)


def collect(templates: Iterable[Template], root: Path = ROOT) -> list[Script]:
    """Every script of the repository and of the stacks."""
    scripts = [one for file in repository_files(root) for one in scripts_of_file(file, root)]
    return [*scripts, *(one for template in templates for one in scripts_of_stack(template))]


def lint(scripts: Sequence[Script]) -> list[Finding]:
    """The findings of shellcheck in scripts."""
    if not scripts:
        return []
    with tempfile.TemporaryDirectory() as place:
        for number, script in enumerate(scripts):
            text = script.text if is_program(script) else DIRECTIVE + script.text
            Path(place, str(number)).write_text(text, encoding="utf-8")
        options = ("--norc", "--format", "json1", "--severity", "style")
        names = [str(number) for number in range(len(scripts))]
        report = run_json(PROGRAM, *options, *names, cwd=Path(place))
    found = ((scripts[int(one["file"])], one) for one in report["comments"])
    return sorted(
        _finding(script, one["line"], f"SC{one['code']}", one["message"])
        for script, one in found
        if is_program(script) or f"SC{one['code']}" not in UNSUITABLE
    )


def _finding(script: Script, line: int, check: str, message: str) -> Finding:
    number = script.line + line - (1 if is_program(script) else 2)
    return Finding(
        *(script.stack, script.path, f"line {number}", check),
        message.rstrip("."),
        "The shell may not do what the script means",
        f"Correct it; https://www.shellcheck.net/wiki/{check} has examples",
    )
