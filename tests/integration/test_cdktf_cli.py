"""The documented way to deploy, `npx cdktf deploy`, against the emulator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lib.synthesis import run_synthesis
from tools import terraform
from tools.emulator import Emulator, inventory
from tools.project import ROOT

CDKTF = ROOT / "node_modules" / ".bin" / "cdktf"
BUCKET = "state-of-the-cdktf-cli"


@pytest.mark.slow
def test_cdktf_cli_deploys_and_destroys_the_synthesized_stack(
    terraform_is_ready: None, fresh_emulator: Emulator, tmp_path: Path
) -> None:
    variables = fresh_emulator.environment() | {
        "STACKS": "state",
        "TERRAFORM_STATE_BUCKET": BUCKET,
    }
    output = tmp_path / "cdktf.out"
    run_synthesis(output, variables)
    # The CLI would write the lock file for other platforms too, which requires the registry.
    lock = ["--skip-provider-lock"] if terraform.offline() else []

    def cdktf(command: str) -> None:
        arguments = [command, "state", "--auto-approve", "--skip-synth", "--output", str(output)]
        done = subprocess.run(
            [str(CDKTF), *arguments, *lock],
            cwd=ROOT,
            env=terraform.whole_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    cdktf("deploy")
    names = [bucket["Name"] for bucket in fresh_emulator.client("s3").list_buckets()["Buckets"]]
    assert names == [BUCKET]
    cdktf("destroy")
    assert inventory(fresh_emulator.endpoint, fresh_emulator.region) == []
