"""Runs the commands of docs/operations.md unchanged, with the `aws` program."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import ROOT, STATE_BUCKET, Environment
from tools.terraform import TerraformError, binary, whole_environment

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
AWS = ROOT / ".tools" / "aws" / "bin"
# Version 1 of the program ignores AWS_ENDPOINT_URL for SQS.
PRELUDE = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
BODY = "results that were not stored"
# Calls that the emulator does not implement.
NOT_EMULATED = (
    "aws configservice describe-delivery-channel-status",
    'aws sqs list-message-move-tasks --source-arn "$arn"',
)


def section(title: str) -> str:
    """The text under a heading."""
    return OPERATIONS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def run(environment: Environment, script: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands in the folder of cdktf.out with the credentials of the account."""
    variables = whole_environment(environment.variables)
    variables["AWS_DEBODY_REGION"] = environment.region
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{PRELUDE}\n{script}"],
        cwd=environment.folder.parent,
        env=variables | {"PATH": f"{AWS}{os.pathsep}{variables['PATH']}", "AWS_PAGER": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def _aws_is_there() -> None:
    assert (AWS / "aws").is_file(), "run `make integration`, which sets the aws program up"


def test_commands_read_and_redrive_the_dead_letter_queue(environment: Environment) -> None:
    looking, moving = re.findall(r"```sh\n(.*?)```", section("Dead-letter queue"), re.DOTALL)
    # The handle to cancel a move comes from the list.
    move, listing, _cancelling = (line.partition("  #")[0].strip() for line in moving.splitlines())
    assert listing in NOT_EMULATED
    sqs = environment.client("sqs")
    queue, dead_letter_queue = (
        environment.outputs["queue_url"],
        environment.outputs["dead_letter_queue_url"],
    )
    sqs.send_message(QueueUrl=dead_letter_queue, MessageBody=BODY)
    done = run(environment, f"{looking}\n{move}")
    assert done.returncode == 0, done.stderr
    assert '"ApproximateNumberOfMessages": "1"' in done.stdout
    assert BODY in done.stdout
    assert "TaskHandle" in done.stdout
    # The queue may also contain the test event of S3.
    waiting = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    (back,) = [message for message in waiting["Messages"] if message["Body"] == BODY]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=back["ReceiptHandle"])


CHECKS = [
    command
    for row in section("Check log deliveries and alarms").splitlines()
    for command in re.findall(r"`(aws [^`]+)`", row)
]


@pytest.mark.parametrize("command", CHECKS, ids=lambda command: " ".join(command.split()[1:3]))
def test_commands_that_check_for_silent_failures_succeed(
    command: str, environment: Environment
) -> None:
    account = environment.outputs["data_bucket_name"].rpartition("-")[2]
    command = command.replace("<suffix>", environment.suffix).replace("<account>", account)
    assert "<" not in command
    done = run(environment, command)
    if command in NOT_EMULATED:
        assert "NotImplementedByEmulator" in done.stderr
        return
    # `aws s3 ls` ends with 1 and prints nothing if no object has the prefix.
    nothing = command.startswith("aws s3 ls") and done.returncode == 1
    assert nothing or done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_page_contains_checks() -> None:
    assert len(CHECKS) >= 6


def test_command_releases_the_lock_of_a_killed_process(custom_environment: Environment) -> None:
    page = section("Release a stuck lock")
    (command,) = re.findall(r"`(terraform force-unlock <ID>)`", page)
    folder, variables = (
        custom_environment.terraform.folder,
        whole_environment(custom_environment.terraform.extra),
    )
    # A destroy that waits for its "yes" holds the lock; a killed process does not release it.
    holder = subprocess.Popen(
        [binary().path, "destroy", "-no-color", "-refresh=false"],
        cwd=folder,
        env=variables | {"TF_INPUT": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    s3, lock = (
        custom_environment.client("s3"),
        {"Bucket": STATE_BUCKET, "Key": f"{custom_environment.suffix}/tap.tfstate.tflock"},
    )
    try:
        deadline = time.monotonic() + 60
        while not locked(s3, lock):
            assert holder.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        holder.kill()
        holder.wait()
    with pytest.raises(TerraformError, match="Error acquiring the state lock") as refused:
        custom_environment.terraform.apply()
    (id_,) = re.findall(r"ID: +(\S+)", str(refused.value))
    for line in ("Error acquiring the state lock", "PreconditionFailed", "Lock Info:", "Who:"):
        assert line in page
        assert line in str(refused.value)
    subprocess.run(
        ["bash", "-c", command.replace("<ID>", id_)],
        cwd=folder,
        env=variables | {"TF_INPUT": "1"},
        input="yes\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert not locked(s3, lock)
    assert custom_environment.terraform.plan("-refresh=false") is None


def locked(s3: Any, lock: dict[str, str]) -> bool:
    """Return whether the lock object exists."""
    try:
        s3.head_object(**lock)
    except ClientError:
        return False
    return True


def test_command_reads_the_bastion_address_from_the_outputs(bastion: Environment) -> None:
    (command,) = re.findall(
        r"`(ssh -J [^`]+)`", section("Deploy the production network and its bastion")
    )
    inner = re.findall(r"\$\((.*?)\)", command)
    done = run(bastion, f"cd cdktf.out/stacks/bastion; {inner[0]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == bastion.outputs["bastion_host_public_ip"]
