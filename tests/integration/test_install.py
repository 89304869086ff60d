"""`pip install .`: constructs and commands work outside of a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.project import ROOT

PACKAGES = ("lib", "tools")
EXAMPLES = ROOT / "examples"
IMPORTS = """
from lib.bindings import enable_fast_bindings
enable_fast_bindings()
import lib.database.aurora, lib.messaging.queue, lib.networking.network, lib.storage.bucket
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed packages; their dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("install")
    project, site = folder / "project", folder / "site"
    project.mkdir()
    for name in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, project / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, project)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, str(project)], check=True)
    return site


def run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder with the installed packages."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_modules_and_data_of_the_packages_are_installed(site: Path) -> None:
    for name in PACKAGES:
        source = {
            file.relative_to(ROOT)
            for file in (ROOT / name).rglob("*")
            if file.is_file() and file.suffix not in (".md", ".pyc")
        }
        assert {file for file in source if not (site / file).is_file()} == set()


def test_constructs_are_imported_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "-c", f"{IMPORTS}\nprint(lib.__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(site / "lib" / "__init__.py")


@pytest.mark.parametrize("program", ["tap", "plan-review"])
def test_installed_command_has_help(site: Path, tmp_path: Path, program: str) -> None:
    done = run(site, tmp_path, str(site / "bin" / program), "--help")
    assert done.returncode == 0, done.stderr
    assert f"Usage: {program} " in done.stdout


def test_command_that_requires_the_project_exits_with_2(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, str(site / "bin" / "tap"), "synth")
    assert done.returncode == 2
    assert "accepted: a checkout of the project" in done.stderr


@pytest.mark.parametrize("example", sorted(one.name for one in EXAMPLES.glob("*.py")))
def test_example_synthesizes_in_an_empty_folder(site: Path, tmp_path: Path, example: str) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    done = run(site, tmp_path, f"examples/{example}")
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.rglob("cdk.tf.json")
    assert json.loads(file.read_text(encoding="utf-8"))["resource"]


def test_plan_of_an_unrelated_project_is_reviewed(site: Path, tmp_path: Path) -> None:
    bucket = {
        "address": "aws_s3_bucket.unrelated",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "name": "unrelated",
        "change": {"actions": ["delete"], "before": {"bucket": "unrelated"}, "after": None},
    }
    plan = {"format_version": "1.2", "resource_changes": [bucket], "configuration": {}}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    done = run(site, tmp_path, str(site / "bin" / "plan-review"), "plan.json")
    assert done.returncode == 1, done.stderr
    assert "**stop**: " in done.stdout
    assert "`aws_s3_bucket.unrelated`" in done.stdout
