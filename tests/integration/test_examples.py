"""The examples, validated and applied by Terraform."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.examples import EXAMPLES, synthesize
from tools.emulator import Emulator, inventory
from tools.terraform import Workspace

LOG_GROUP = "/aws/cloudtrail/existing"


def _apply_and_destroy(script: Path, folder: Path, emulator: Emulator) -> str | None:
    """Deploy an example and destroy it again; returns the second plan if it is not empty."""
    folder.mkdir()
    workspace = Workspace(
        synthesize(script, folder, TRAIL_LOG_GROUP=LOG_GROUP), emulator.environment()
    )
    workspace.init()
    workspace.validate()
    workspace.apply()
    plan = workspace.plan()
    workspace.destroy()
    return plan


def test_every_example_applies_with_an_empty_second_plan_and_is_destroyed(
    fresh_emulator: Emulator, terraform_is_ready: None, tmp_path: Path
) -> None:
    logs = fresh_emulator.client("logs")
    logs.create_log_group(logGroupName=LOG_GROUP)
    with ThreadPoolExecutor() as pool:
        plans = pool.map(
            lambda script: _apply_and_destroy(script, tmp_path / script.stem, fresh_emulator),
            EXAMPLES,
        )
        assert [*plans] == [None] * len(EXAMPLES)
    logs.delete_log_group(logGroupName=LOG_GROUP)
    assert inventory(fresh_emulator.endpoint, fresh_emulator.region) == []
