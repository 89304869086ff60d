"""The check that an upgrade replaces no resource: its plans, its exit code and its revisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tools.errors import ToolError
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
            after_unknown={"id": True, "tags": False},
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
        Change("update", "aws_s3_bucket_policy.one", ("id", "policy")),
    ]


def test_summary_counts_and_lists_the_changes_without_values() -> None:
    text = summary("tap", changes(PLAN))
    assert text.splitlines() == [
        "tap: 1 destroyed, 1 replaced, 1 updated in place, 1 created",
        "  create   aws_sqs_queue.new",
        "  delete   aws_sqs_queue.old",
        "  replace  aws_security_group.one (description)",
        "  update   aws_s3_bucket_policy.one (id, policy)",
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
