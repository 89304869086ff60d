"""The course of a local deployment, with a fake emulator and a fake Terraform."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from tools import terraform
from tools.errors import ToolError
from tools.local import deployment as module
from tools.local.deployment import LocalDeployment, deploy_local
from tools.terraform import Event, Processes, TerraformError

OUTPUTS = {"data_bucket_name": "data", "zones": ["a", "b"]}


class FakeS3:
    """An S3 client whose bucket gets its versioning after the first request."""

    def __init__(self) -> None:
        self.requests = 0

    def get_bucket_policy(self, **_: str) -> None:
        self.requests += 1
        if self.requests == 1:
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "GetBucketPolicy")

    def get_bucket_versioning(self, **_: str) -> dict[str, str]:
        return {"Status": "Enabled"} if self.requests > 2 else {}


class FakeEmulator:
    """An emulator without a process."""

    endpoint = "http://127.0.0.1:4566"
    region = "us-east-1"

    def __init__(self, **_: object) -> None:
        self.s3 = FakeS3()

    def client(self, service: str) -> FakeS3:
        assert service == "s3"
        return self.s3

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.endpoint}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FakeWorkspace:
    """Records the commands of all stacks; `fails` raises an error in that stack."""

    commands: list[str] = []  # noqa: RUF012
    fails = ""

    def __init__(self, folder: Path, variables: Mapping[str, str], processes: Processes) -> None:
        self.stack = folder.name
        self.processes = processes
        assert variables["TERRAFORM_STATE_BUCKET"] == "terraform-state-local"

    def init(self) -> None:
        self.commands.append(f"init {self.stack}")

    def stream(self, command: str, *, on_event: Callable[[Event], None], log: Path) -> None:
        self.commands.append(f"{command} {self.stack}")
        assert log.name == f"{command}-{self.stack}.jsonl"
        on_event({"type": "change_summary", "changes": {"operation": "plan", "add": 1}})
        if self.stack == self.fails:
            raise TerraformError("terraform apply in tap: exit code 1:\ncreating bucket")
        if self.fails:
            # The error of the other stack stops this one.
            assert self.processes.stopped.wait(10)

    def outputs(self) -> dict[str, Any]:
        return OUTPUTS


class FakeDataPath:
    """A data path that records the files."""

    processed: list[str] = []  # noqa: RUF012

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def description(self) -> str:
        return "PostgreSQL replaces Aurora"

    def process(self, files: list[Path]) -> None:
        self.processed[:] = [file.name for file in files]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Replaces everything outside of the deployment; returns the commands of Terraform."""

    def synthesize(output: Path, variables: Mapping[str, str], **_: object) -> None:
        for stack in variables["STACKS"].split(","):
            folder = output / "stacks" / stack
            folder.mkdir(parents=True)
            document = {"provider": {"aws": [{"region": "eu-west-1"}]}}
            (folder / "cdk.tf.json").write_text(json.dumps(document))

    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "one.xml").touch()
    monkeypatch.setattr(FakeWorkspace, "commands", [])
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "Emulator", FakeEmulator)
    monkeypatch.setattr(module, "Workspace", FakeWorkspace)
    monkeypatch.setattr(module, "LocalDataPath", FakeDataPath)
    monkeypatch.setattr(module, "run_synthesis", synthesize)
    monkeypatch.setattr(module, "inventory", lambda *_: [])
    monkeypatch.setattr(terraform, "environment", dict)
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.001)
    monkeypatch.setenv("STACKS", "tap, state,tap")
    return FakeWorkspace.commands


def test_once_deploys_processes_the_samples_and_destroys(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONCE", "1")
    assert deploy_local() == 0
    # The stacks are applied at the same time; the bucket of the states is destroyed last.
    assert sorted(commands[:4]) == ["apply state", "apply tap", "init state", "init tap"]
    assert commands[4:] == ["destroy tap", "destroy state"]
    assert FakeDataPath.processed == ["one.xml"]
    text = capsys.readouterr().out
    assert "outputs of tap, in eu-west-1\n  data_bucket_name  data\n" in text
    assert "zones             a, b\n" in text
    assert "no resources remain" in text


def test_remaining_resources_are_listed_and_exit_with_1(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONCE", "1")
    monkeypatch.setattr(module, "inventory", lambda *_: ["s3 bucket data"])
    assert deploy_local() == 1
    assert "1 resources remain:\n  s3 bucket data" in capsys.readouterr().err


def test_deployment_runs_until_an_interrupt(
    commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("ONCE", "no")

    def terminate() -> None:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(module, "_wait_for_interrupt", terminate)
    assert deploy_local() == 0
    assert not any(command.startswith("destroy") for command in commands)
    assert "make plan-review" in capsys.readouterr().out
    assert (tmp_path / ".local" / "4566" / "environment.sh").is_file()


def test_first_error_stops_all_stacks(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(FakeWorkspace, "fails", "tap")
    deployment = LocalDeployment(FakeEmulator(), ["tap"], tmp_path, {})  # type: ignore[arg-type]
    with pytest.raises(ToolError, match="creating bucket"):
        deployment.deploy()


def test_stacks_wait_until_the_state_bucket_has_versioning(tmp_path: Path) -> None:
    emulator = FakeEmulator()
    deployment = LocalDeployment(emulator, ["tap"], tmp_path, {})  # type: ignore[arg-type]
    deployment._wait_for_bucket(Processes())
    assert emulator.s3.requests == 3


def test_interrupted_stacks_do_not_wait_for_the_state_bucket(tmp_path: Path) -> None:
    emulator, processes = FakeEmulator(), Processes()
    processes.stop()
    deployment = LocalDeployment(emulator, ["tap"], tmp_path, {})  # type: ignore[arg-type]
    thread = threading.Thread(target=deployment._wait_for_bucket, args=(processes,))
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert emulator.s3.requests == 0
