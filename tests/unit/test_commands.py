"""The commands that call other modules: their arguments, output and exit codes."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tools import cli, plan, warm_up
from tools.bench import data as bench_data
from tools.bench import synth as bench_synth
from tools.cdktn import cli as cdktn_cli
from tools.cdktn import compare, fork
from tools.environment import account_variables, override
from tools.errors import ToolError
from tools.project import ROOT


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, arguments)


def test_synth_passes_the_stacks_to_main(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []

    def main(_command: object, *, env: Mapping[str, str], **_: object) -> object:
        received.append(env["STACKS"])
        return subprocess.CompletedProcess((), 2)

    monkeypatch.setattr(subprocess, "run", main)
    assert invoke("synth", "tap", "web").exit_code == 2
    assert received == ["tap,web"]


def test_plan_prints_the_plan_of_each_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def synthesize(output: Path, variables: Mapping[str, str], **_: object) -> None:
        assert variables["AWS_PROFILE"] == "production"
        for stack in variables["STACKS"].split(","):
            (output / "stacks" / stack).mkdir(parents=True)

    class Workspace:
        def __init__(self, folder: Path, _variables: object) -> None:
            self.stack = folder.name

        def init(self) -> None:
            pass

        def run(self, command: str, *options: str) -> str:
            assert (command, "-lock=false" in options) == ("plan", True)
            return f"plan of {self.stack}"

    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setattr(plan, "run_synthesis", synthesize)
    monkeypatch.setattr(plan, "Workspace", Workspace)
    result = invoke("plan", "web", "tap")
    assert result.stdout == "# tap\nplan of tap\n# web\nplan of web\n"


def test_cdktn_lists_differences_that_change_the_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = {"//": {"metadata": {"version": "0.21.0"}}}
    other = {"//": {"metadata": {"version": "0.24.0"}}}
    ours: Any = {
        "tap": {"resource": {"aws_vpc": {"one": {"cidr_block": "10.0.0.0/16"}}}, **version}
    }
    theirs: Any = {
        "tap": {"resource": {"aws_vpc": {"one": {"cidr_block": "10.0.0.0/16"}}}, **other}
    }
    monkeypatch.setattr(cdktn_cli, "synthesize_both", lambda: (ours, theirs))
    result = invoke("cdktn")
    assert result.exit_code == 0
    assert "tap: 1 resources, no difference (1 expected ones ignored)\n" in result.stdout
    theirs["tap"]["resource"]["aws_vpc"]["one"]["cidr_block"] = "10.1.0.0/16"
    result = invoke("cdktn")
    assert result.exit_code == 1
    assert "  resource.aws_vpc.one.cidr_block: " in result.stdout


def test_both_toolchains_synthesize_with_the_same_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: dict[str, Mapping[str, str]] = {}

    def synthesize(
        output: Path, variables: Mapping[str, str], *, python: str, project: Path
    ) -> None:
        calls[python] = variables
        (output / "stacks" / project.name).mkdir(parents=True)
        (output / "stacks" / project.name / "cdk.tf.json").write_text("{}")

    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "own")
    monkeypatch.setattr(compare, "run_synthesis", synthesize)
    monkeypatch.setattr(compare, "fork_python", lambda: "fork")
    monkeypatch.setattr(compare, "copy_under_fork", lambda folder: folder)
    ours, theirs = compare.synthesize_both()
    assert ([*ours], [*theirs]) == ([ROOT.name], ["fork"])
    assert len(calls) == 2
    assert all(one["TERRAFORM_STATE_BUCKET"] == "own" for one in calls.values())
    assert all("TAP_WEB_DOMAIN_NAME" in one for one in calls.values())


def test_copy_under_the_fork_has_renamed_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "main.py").write_text("import cdktf\n")
    (root / "lib" / "one.py").write_text("from cdktf_cdktf_provider_aws.vpc import Vpc\n")
    monkeypatch.setattr(fork, "ROOT", root)
    copy = fork.copy_under_fork(tmp_path / "copy")
    assert (copy / "main.py").read_text() == "import cdktn\n"
    assert (copy / "lib" / "one.py").read_text() == "from cdktn_provider_aws.vpc import Vpc\n"


def test_fork_is_installed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def call(command: list[str], **_: object) -> object:
        commands.append(command)
        (fork.FORK / "bin").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, code, "", "no such version\n")

    monkeypatch.setattr(fork, "FORK", ROOT / ".local" / tmp_path.name)
    monkeypatch.setattr(subprocess, "run", call)
    code = 1
    with pytest.raises(ToolError, match="pip failed: no such version; accepted: an index"):
        fork.fork_python()
    code = 0
    try:
        assert fork.fork_python() == str(fork.FORK / "bin" / "python")
        count = len(commands)
        fork.fork_python()
        assert len(commands) == count
    finally:
        shutil.rmtree(fork.FORK)


def test_measurement_of_synthesis_prints_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = bench_synth.Cost(2.0, 1.5, 100.0, 169)
    monkeypatch.setattr(
        bench_synth, "_measure", lambda cases, runs, _: {case.name: [cost] * runs for case in cases}
    )
    result = invoke("bench", "synth", "--runs", "2", "--only", "hooks,plain")
    assert result.exit_code == 0, result.output
    assert "| hooks | 169 | 2.00 (2.00–2.00) |" in result.stdout
    result = invoke("bench", "synth", "--only", "nothing")
    assert result.exit_code == 2
    assert "error: --only: received 'nothing'; accepted: " in result.stderr


def test_measurement_of_the_data_path_prints_both_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    class Benchmark:
        def __init__(self, *_: object) -> None:
            pass

        def upload(self, format_: str, count: int) -> str:
            return f"{format_}-{count}"

        def size(self, _name: str) -> int:
            return 2_000_000

        def run(self, way: str, *_: object) -> bench_data.Cost:
            seconds = {"function": 1.0, "plain": 3.0}[way]
            return bench_data.Cost(seconds, 100.0, 0.5, 0.25)

        def delete(self, _name: str) -> None:
            pass

    class Context:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(bench_data, "Benchmark", Benchmark)
    monkeypatch.setattr(bench_data, "Emulator", Context)
    monkeypatch.setattr(bench_data, "PostgresServer", Context)
    result = invoke("bench", "data", "--sizes", "10000", "--formats", "csv", "--runs", "2")
    assert result.exit_code == 0, result.output
    assert "| csv | 10,000 | 10,000 (10,000–10,000) | 3,333 (3,333–3,333) | 3.0 " in result.stdout
    assert "| csv | 10,000 | 2.0 | 1.00 | 50% | 25% |" in result.stdout
    for option, value in (("--sizes", "many"), ("--formats", "yaml")):
        result = invoke("bench", "data", option, value)
        assert result.exit_code == 2
        assert f"error: {option}: received '{value}'; accepted: " in result.stderr


def test_environment_overrides_values_unless_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "environment")
    monkeypatch.setenv("EMPTY", "")
    given = {"SET": "given", "EMPTY": "given", "UNSET": "given"}
    assert override(given) == {"SET": "environment", "EMPTY": "given", "UNSET": "given"}
    assert account_variables()["AWS_ACCESS_KEY_ID"] == "testing"


@pytest.mark.parametrize(
    ("missing", "variables", "message"),
    [
        ([False], {}, "warm-up: jsii's runtime indexes exist"),
        ([True, False, False], {}, "warm-up: jsii's runtime indexes written in 0.0 s"),
        ([True], {}, "there is no runtime index of cdktf under"),
        ([True], {"JSII_NODE": "no-such-node"}, "no index created, Node is missing"),
        ([True], {"JSII_RUNTIME_PACKAGE_CACHE": "disabled"}, "disables the cache"),
    ],
)
def test_warm_up_waits_for_the_indexes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: list[bool],
    variables: dict[str, str],
    message: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    answers = iter(missing)
    last = missing[-1]
    package = warm_up.PACKAGES[1]
    monkeypatch.setattr(warm_up, "_missing", lambda: [package] if next(answers, last) else [])
    monkeypatch.setattr(importlib, "import_module", lambda _name: SimpleNamespace())
    monkeypatch.setattr(warm_up, "TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(warm_up, "POLL_SECONDS", 0.001)
    assert warm_up.main() == 0
    assert message in capsys.readouterr().out


def test_warm_up_finds_indexes_in_the_cache_of_jsii(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(tmp_path))
    assert [*warm_up._missing()] == [*warm_up.PACKAGES]
    first = warm_up.PACKAGES[0]
    folder = tmp_path / first.npm / warm_up._version(first.package) / "hash"
    folder.mkdir(parents=True)
    (folder / ".jsii.runtime.v1.json").touch()
    assert [*warm_up._missing()] == [*warm_up.PACKAGES[1:]]
