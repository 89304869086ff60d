"""docs/requirements.md: the named code exists, and the synthesized JSON has the values."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.stacks import STACKS
from lib.template import Template, listed
from tests.support.synthesis import Synthesizer
from tests.support.template import arguments_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
VISIBLE = re.compile(r"`(\w+): (aws_\w+)\.([\w.]+) = ([^`]+)`")
NAME = re.compile(r"`(lib(?:\.\w+)+)`")
PATH = re.compile(r"`((?:lib|lambda|tools|tests|docs|config)/[\w./-]+|\w+\.(?:py|json|toml))`")


def section(title: str) -> str:
    text = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert text, title
    return text


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("path", sorted(set(PATH.findall(PAGE))))
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(set(NAME.findall(PAGE))))
def test_names_exist(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_every_requirement_names_its_implementation() -> None:
    for title in ("Modules and stacks", "Versions and values"):
        for requirement, code, *visible in rows(title):
            assert NAME.search(code) or PATH.search(code), requirement
            assert all(VISIBLE.search(cell) for cell in visible), requirement


def test_the_four_modules_and_every_stack_are_listed() -> None:
    listed_names = {row[0].partition(",")[0] for row in rows("Modules and stacks")}
    for module in ("networking", "security", "data_processing", "monitoring"):
        assert f"module {module}" in listed_names
    assert {spec.class_path.replace(":", ".") for spec in STACKS.values()} <= set(
        NAME.findall(section("Modules and stacks"))
    )


def values(body: Any, path: list[str]) -> Iterator[Any]:
    """The values of an argument; a block may be one or several."""
    if not path:
        yield body
    else:
        for block in listed(body):
            if path[0] in block:
                yield from values(block[path[0]], path[1:])


@pytest.mark.parametrize(
    ("stack", "type_", "argument", "value"),
    sorted(set(VISIBLE.findall(PAGE))),
    ids=lambda value: value.strip('"'),
)
def test_values_are_in_the_synthesized_json(
    stack: str, type_: str, argument: str, value: str, synth: Synthesizer
) -> None:
    resources = synth(stack, ENVIRONMENT_SUFFIX="dev").resources(type_)
    found = [one for resource in resources for one in values(resource.body, argument.split("."))]
    assert json.loads(value) in found


def has_tags(type_: str) -> bool:
    """Whether resources of a type have tags; terraform_data belongs to no provider."""
    return type_ != "terraform_data" and "tags" in arguments_of(type_)


@pytest.mark.parametrize("stack", STACKS)
def test_resources_have_the_tags(stack: str, synth: Synthesizer) -> None:
    required = set(re.findall(r"`([A-Z]\w+)`", section("Tags").partition(".")[0]))
    assert {"Name", "Environment", "Component", "Purpose"} <= required
    template = synth(stack)
    assert isinstance(template, Template)
    for provider in template.document["provider"]["aws"]:
        default = provider["default_tags"][0]["tags"].keys()
        assert required - {"Name"} <= default
    tagged = [one for one in template.resources() if has_tags(one.type)]
    assert tagged
    for resource in tagged:
        assert "Name" in resource.get("tags", {}), resource


def test_outputs_exist(synth: Synthesizer) -> None:
    table = {stack: re.findall(r"`(\w+)`", names) for stack, names in rows("Outputs")}
    assert table.keys() == STACKS.keys()
    for stack, names in table.items():
        assert names
        assert set(names) <= synth(stack).document["output"].keys()


def test_differences_are_true(synth: Synthesizer) -> None:
    text = section("Differences")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (minimum,) = re.findall(r"CI fails below (\d+) %", text)
    assert f"fail_under = {minimum}\n" in project
    ports = {
        rule["from_port"]
        for rule in synth("bastion").resources("aws_vpc_security_group_egress_rule")
        if rule["//"]["metadata"]["path"].startswith("bastion/PrivateSecurityGroup/")
    }
    allowed = re.findall(r"allows TCP (\d+) and (\d+) only", text)
    assert [ports] == [{*map(int, one)} for one in allowed]
