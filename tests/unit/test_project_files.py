"""The files for contributors and for CI match the project: versions, paths, commands."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked_files() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_workflows_use_one_version_of_each_action_and_tool() -> None:
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        for name, version in re.findall(r"uses: ([\w/-]+)@(.*)", text):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", version), f"{path.name}: {name}"
            used.setdefault(name, set()).add(version)
        for name, version in re.findall(r"(\w+[_-]version): (.*)", text):
            used.setdefault(name, set()).add(version)
    assert {"actions/checkout", "python-version", "node-version", "terraform_version"} <= set(used)
    assert {name: found for name, found in used.items() if len(found) > 1} == {}


def test_test_workflow_runs_make_test_without_credentials() -> None:
    document: dict[Any, Any] = yaml.safe_load(read(".github/workflows/test.yml"))
    assert document["permissions"] == {}
    # YAML 1.1 reads the key "on" as true.
    assert set(document[True]) == {"pull_request", "push"}
    (job,) = document["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ["make setup", "make test COVERAGE=1"]
    assert job["steps"][0]["with"]["persist-credentials"] is False


def test_renovate_finds_every_pinned_version_of_the_makefile_and_the_workflows() -> None:
    found = set()
    for manager in json.loads(read("renovate.json"))["customManagers"]:
        (pattern,) = manager["managerFilePatterns"]
        paths = [name for name in tracked_files() if re.search(pattern.strip("/"), name)]
        expression = manager["matchStrings"][0].replace("(?<", "(?P<")
        values = {
            one["currentValue"] for name in paths for one in re.finditer(expression, read(name))
        }
        assert values, f"{manager['depNameTemplate']}: no version found"
        found |= values
    pinned = set(re.findall(r"^\w+_VERSION := (\S+)$", read("Makefile"), re.MULTILINE))
    assert pinned <= found, "add the variable to customManagers of renovate.json"


def test_renovate_leaves_the_archived_packages_alone() -> None:
    rules = json.loads(read("renovate.json"))["packageRules"]
    (disabled,) = [rule["matchPackageNames"] for rule in rules if rule.get("enabled") is False]
    packages = tomllib.loads(read("Pipfile"))["packages"]
    archived = [name for name in packages if name.startswith(("cdktf", "constructs"))]
    assert archived
    for name in archived:
        assert any(fnmatchcase(name, pattern) for pattern in disabled), name


def test_pre_commit_hooks_run_the_programs_of_the_project() -> None:
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        words = hook["entry"].split()
        assert words[:2] == [".venv/bin/python", "-m"]
        done = subprocess.run(
            [ROOT / words[0], *words[1:3], "--help"], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{hook['id']}: {words[2]} cannot be run"


def test_editor_configuration_has_the_line_length_of_ruff() -> None:
    length = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]["line-length"]
    assert f"max_line_length = {length}" in read(".editorconfig")


def owner_rows() -> list[tuple[str, list[str]]]:
    rows = [line.split() for line in read(".github/CODEOWNERS").splitlines()]
    return [(row[0], row[1:]) for row in rows if row and not row[0].startswith("#")]


@pytest.mark.parametrize("pattern", [row[0] for row in owner_rows()])
def test_code_owner_paths_exist(pattern: str) -> None:
    prefix = pattern.lstrip("/").replace("*", "")
    assert any(name.startswith(prefix) for name in tracked_files())


def test_code_owners_are_explained_placeholders() -> None:
    comments = "\n".join(
        line for line in read(".github/CODEOWNERS").splitlines() if line.startswith("#")
    )
    for _, owners in owner_rows():
        for owner in owners:
            assert owner.startswith("@ORGANIZATION/")
            assert owner in comments


@pytest.mark.parametrize("name", ["bug.yml", "feature.yml"])
def test_issue_forms_are_valid(name: str) -> None:
    form = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}"))
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    for field in form["body"]:
        assert field["type"] in {"textarea", "input", "dropdown"}
        assert field["attributes"]["label"]
