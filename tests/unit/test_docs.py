"""Documents match the code: links, paths, names, make targets, variables and commands."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

from lib.settings import PLAIN_VARIABLES, Settings
from lib.stacks import STACKS
from tools.cli import SUBCOMMANDS
from tools.settings_table import document

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Commands of the AWS CLI without an API operation of the same name.
CUSTOM = {("s3", "ls"), ("s3", "cp"), ("ssm", "start-session"), ("sso", "login")}
# Options of every command of the AWS CLI.
GLOBAL_OPTIONS = {"--region", "--output", "--query", "--profile"}
# Variables of other programs and of the tools, which are not settings.
OTHER_VARIABLES = {
    *(
        "ONCE",
        "BASE",
        "LOCAL_PORT",
        "PLAIN_BINDINGS",
        "BINDINGS_TYPE_CHECKS",
        "JSII_NODE",
        "TERRAFORM_BINARY_NAME",
    ),
    *("AWS_ENDPOINT_URL", "PYTHONDONTWRITEBYTECODE", "GH_TOKEN"),
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9_]+)=")


def test_settings_page_lists_every_setting() -> None:
    text = document()
    assert "| `STACKS` | `tap` |" in text
    assert "| `TAP_WEB_REGION` | as `AWS_REGION` |" in text
    fields = [
        len(getattr(info.annotation, "model_fields", ["one"]))
        for info in Settings.model_fields.values()
    ]
    assert text.count("| `TAP_") + text.count("| `TERRAFORM_") + 3 == sum(fields)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub creates for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert missing == []


def commands() -> Iterator[tuple[str, str]]:
    """Page and command line of every command in the documents, fenced or inline."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        name = str(page.relative_to(ROOT))
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip():
                    yield name, line.split("  #")[0].strip()
        for code in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            if re.match(r"(?:[A-Z][A-Z0-9_]*=\S* )*(?:make|aws|npx|git|tap|terraform) \w", code):
                yield name, code


def called(command: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a command line."""
    # A placeholder such as <instance id> and a substitution are one argument.
    plain = re.sub(r"<[^>]*>|\$\([^()]*\)", "x", command)
    for part in re.split(r"[|;]|&&|\$\(", plain):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        while words and re.fullmatch(r"[A-Za-z_]+=.*", words[0]):
            words = words[1:]
        if words[:1] == [program]:
            yield words[1:]


def test_make_targets_exist() -> None:
    named = {
        (page, word)
        for page, command in commands()
        for words in called(command, "make")
        for word in words
        if re.fullmatch(r"[a-z-]+", word)
    }
    assert len(named) > 10
    for page, target in sorted(named):
        done = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{page}: make {target}: {done.stderr}"


def test_readme_names_every_stack() -> None:
    (accepted,) = re.findall(r"\| `STACKS` \| `tap` \| (.*), separated", README)
    assert accepted == ", ".join(f"`{name}`" for name in STACKS)


def test_every_make_target_is_documented() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert len(targets) > 10
    documented = {
        word for _, command in commands() for words in called(command, "make") for word in words
    }
    assert targets - documented == set()


def test_documented_tap_commands_exist() -> None:
    named = {
        (page, words[0])
        for page, command in commands()
        for words in called(command, "tap")
        if words and re.fullmatch(r"[a-z-]+", words[0])
    }
    assert len(named) > 3
    assert {(page, word) for page, word in named if word not in SUBCOMMANDS} == set()


# `path/of/a/file.py`, with * for a part that varies.
CODE_PATH = re.compile(
    r"`((?:lib|lambda|tools|tests|docs|config|samples|examples|\.github)/[^`<>\s]*)`"
)
# Files that the recipes of CONTRIBUTING.md create.
NEW_FILE = re.compile(r"[/_]example[._]")
# "`NAME` in `path`"
NAME_IN_PATH = re.compile(r"`([A-Za-z_]\w+)(?:\(\))?` (?:in|of) `([\w./-]+/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = {
        name
        for name in CODE_PATH.findall(text)
        if not (ROOT / name).exists() and not list(ROOT.glob(name)) and not NEW_FILE.search(name)
    }
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_that_a_page_attributes_to_a_file_are_defined_there(page: Path) -> None:
    for name, path in NAME_IN_PATH.findall(page.read_text(encoding="utf-8")):
        place = ROOT / path
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))
        source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        defined = rf"^(?:class |def )?{name}\b\s*[(:=\[]|^\s+(?:async )?def {name}\("
        assert re.search(defined, source, re.MULTILINE), f"{path} does not define {name}"


def test_variables_in_documents_are_settings() -> None:
    known = {*PLAIN_VARIABLES, *OTHER_VARIABLES}
    for section, info in Settings.model_fields.items():
        fields = getattr(info.annotation, "model_fields", {})
        known |= {f"TAP_{section}_{field}".upper() for field in fields}
    unknown = {
        (page, variable)
        for page, command in commands()
        for variable in ASSIGNMENT.findall(command)
        if variable not in known
    }
    assert unknown == set()


AWS_COMMANDS = [(page, words) for page, command in commands() for words in called(command, "aws")]


@pytest.mark.parametrize(("page", "words"), AWS_COMMANDS, ids=lambda value: " ".join(value[:2]))
def test_aws_commands_are_operations_of_the_aws_api(page: str, words: list[str]) -> None:
    service, operation, *rest = words
    if (service, operation) in CUSTOM:
        return
    name = {"configservice": "config"}.get(service, service)
    model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
    calls = {xform_name(call, "-"): call for call in model.operation_names}
    assert operation in calls, f"{page}: aws {service} has no {operation}"
    shape = model.operation_model(calls[operation]).input_shape
    options = {f"--{xform_name(member, '-')}" for member in (shape.members if shape else {})}
    given = {word for word in rest if word.startswith("--")}
    assert given <= options | GLOBAL_OPTIONS, f"{page}: aws {service} {operation}"


def test_documents_contain_aws_commands() -> None:
    assert len(AWS_COMMANDS) > 12
