"""The check that an upgrade replaces no resource: its plans, its exit code and its revisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tools.errors import ToolError
from tools.project import ROOT
from tools.upgrade_check import check as module
from tools.upgrade_check import cli
from tools.upgrade_check.changes import Change, backends_differ, changes, summary
from tools.upgrade_check.revision import export, stack_names


def planned(address: str, *actions: str, mode: str = "managed", **change: Any) -> dict[str, Any]:
    return {"address": address, "mode": mode, "change": {"actions": list(actions), **change}}


PLAN = {
    "resource_changes": [
        planned("aws_vpc.same", "no-op"),
        planned("data.aws_region.one", "read", mode="data"),
        planned("aws_sqs_queue.new", "create", before=None, after={"name": "q"}),
        planned("aws_sqs_queue.old", "delete", before={"name": "q"}, after=None),
        planned(
            "aws_s3_bucket_policy.one",
            "update",
            before={"bucket": "b", "policy": "one"},
            after={"bucket": "b", "policy": "two"},
            after_unknown={"id": True, "tags": False, "rule": [{"name": False}], "zones": [True]},
        ),
        planned(
            "aws_security_group.one",
            *("create", "delete"),
            before={"description": "a"},
            after={"description": "b"},
        ),
    ]
}


def test_changes_name_action_address_and_arguments() -> None:
    assert sorted(changes(PLAN)) == [
        Change("create", "aws_sqs_queue.new"),
        Change("delete", "aws_sqs_queue.old"),
        Change("replace", "aws_security_group.one", ("description",)),
        Change("update", "aws_s3_bucket_policy.one", ("id", "policy", "zones")),
    ]


def test_summary_counts_and_lists_the_changes_without_values() -> None:
    text = summary("tap", changes(PLAN))
    assert text.splitlines() == [
        "tap: 1 destroyed, 1 replaced, 1 updated in place, 1 created",
        "  create   aws_sqs_queue.new",
        "  delete   aws_sqs_queue.old",
        "  replace  aws_security_group.one (description)",
        "  update   aws_s3_bucket_policy.one (id, policy, zones)",
    ]


def test_backends_differ_by_any_argument() -> None:
    one = {"terraform": {"backend": {"s3": {"bucket": "b", "key": "dev/tap.tfstate"}}}}
    other = {"terraform": {"backend": {"s3": {"bucket": "b", "key": "dev/web.tfstate"}}}}
    assert not backends_differ(one, one)
    assert backends_differ(one, other)


@pytest.mark.parametrize(
    ("actions", "code"),
    [((), 0), (("create", "update"), 0), (("update", "delete"), 1), (("replace",), 1)],
)
def test_command_fails_on_destroyed_and_replaced_resources(
    monkeypatch: pytest.MonkeyPatch, actions: tuple[str, ...], code: int
) -> None:
    def found(*_: object) -> Iterator[tuple[str, list[Change]]]:
        yield "state", []
        yield "tap", [Change(action, "aws_vpc.one") for action in actions]

    monkeypatch.setattr(cli, "check", found)
    result = CliRunner().invoke(cli.command, ["HEAD"])
    assert result.exit_code == code
    assert "tap: " in result.stdout


def test_unknown_revision_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="BASE: received 'no-such-revision'"):
        export("no-such-revision", tmp_path / "project")


def test_exported_revision_has_the_stacks_of_that_revision(tmp_path: Path) -> None:
    project = export("HEAD", tmp_path / "project")
    assert {"tap", "state"} <= {*stack_names(project)}
    assert (project / "node_modules").is_symlink()


class FakeWorkspace:
    """Terraform that applies nothing and plans one update."""

    def __init__(self, folder: Path, variables: dict[str, str], _processes: object) -> None:
        self.folder = folder
        assert variables["TAP_WEB_DOMAIN_NAME"] == "app.example.test"
        assert "backend" not in json.loads((folder / "cdk.tf.json").read_text())["terraform"]

    def init(self) -> None:
        pass

    def stream(self, command: str, *_: str, **__: object) -> None:
        state = self.folder / "terraform.tfstate"
        assert (command == "plan") == state.exists()
        state.touch()

    def run(self, *_: str) -> str:
        change = planned("aws_vpc.one", "update", before={"tags": 1}, after={"tags": 2})
        return json.dumps({"resource_changes": [change]})


class FakeEmulator:
    def __init__(self, **_: object) -> None:
        pass

    def environment(self) -> dict[str, str]:
        return {}

    def __enter__(self) -> FakeEmulator:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_check_plans_the_current_stacks_against_the_state_of_the_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def synthesize(project: Path, output: Path, variables: dict[str, str]) -> None:
        assert variables["STACKS"] == "tap,web"
        for stack in ("tap", "web"):
            folder = output / "stacks" / stack
            folder.mkdir(parents=True)
            key = "moved" if (stack, project) == ("web", ROOT) else "same"
            document = {"terraform": {"backend": {"s3": {"key": key}}}}
            (folder / "cdk.tf.json").write_text(json.dumps(document))

    placeholders = SimpleNamespace(variables={"TAP_WEB_DOMAIN_NAME": "app.example.test"})
    monkeypatch.setattr(module, "export", lambda _base, folder: folder)
    monkeypatch.setattr(module, "stack_names", lambda _project: ["tap", "web", "removed"])
    monkeypatch.setattr(module, "synthesize", synthesize)
    monkeypatch.setattr(module, "LocalPlaceholders", lambda *_: placeholders)
    monkeypatch.setattr(module, "Emulator", FakeEmulator)
    monkeypatch.setattr(module, "Workspace", FakeWorkspace)
    update = Change("update", "aws_vpc.one", ("tags",))
    assert dict(module.check("HEAD", (), tmp_path)) == {
        "tap": [update],
        "web": [update, Change("replace", "terraform.backend")],
    }
    with pytest.raises(ToolError, match="--stack: received state; accepted: stacks that exist"):
        list(module.check("HEAD", ("state",), tmp_path))
