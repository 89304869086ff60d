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
# The emulator does not implement the call.
LISTING = 'aws sqs list-message-move-tasks --source-arn "$arn"'


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
    assert listing == LISTING
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


def test_command_releases_the_lock_of_a_killed_process(custom_environment: Environment) -> None:
    page = section("Continue after an interrupted run")
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


DELETION = re.findall(
    r"```sh\n(.*?)```", section("Delete objects of buckets that require MFA"), re.DOTALL
)


@pytest.mark.parametrize("commands", DELETION, ids=["session token", "role"])
def test_commands_delete_a_version_after_mfa(
    commands: str, custom_environment: Environment
) -> None:
    bucket = custom_environment.outputs["data_bucket_name"]
    s3 = custom_environment.client("s3")
    key = f"archive/{len(commands)}"
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    for name, value in {
        "account": bucket.rpartition("-")[2],
        "bucket": bucket,
        "code": "123456",
        "key": key,
        "role": custom_environment.outputs["deletion_role_arn"],
        "user": "moto",
        "version": version,
    }.items():
        commands = commands.replace(f"<{name}>", value)
    assert "<" not in commands.replace("<<<", "")
    deletion = commands.strip().splitlines()[-1]
    without = run(custom_environment, deletion)
    # A response without a body has the status only.
    denied = re.compile(r"AccessDenied|\(403\)")
    assert denied.search(without.stderr)
    # The emulator accepts every token; without one, it refuses the role and the deletion.
    untokened = re.sub(r"--serial-number \S+ --token-code \S+", "", commands)
    assert untokened != commands
    assert denied.search(run(custom_environment, untokened).stderr)
    done = run(custom_environment, commands)
    assert done.returncode == 0, done.stderr
    assert version not in str(s3.list_object_versions(Bucket=bucket, Prefix=key))


RESTORE, DELETE, RESTORE_INSTANCE = re.findall(
    r"```sh\n(.*?)```", section("Restore the database"), re.DOTALL
)


def of_suffix(script: str, environment: Environment) -> str:
    """The script for the suffix of an environment instead of dev."""
    return re.sub(r"-dev\b", f"-{environment.suffix}", script)


def parameter_groups(instance: Any) -> list[str]:
    """The names of the parameter groups of an instance."""
    return [group["DBParameterGroupName"] for group in instance["DBParameterGroups"]]


def test_commands_restore_the_cluster_as_it_was_configured(environment: Environment) -> None:
    rds = environment.client("rds")
    name, restored_name = f"aurora-cluster-{environment.suffix}", f"restored-{environment.suffix}"
    (source,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    done = run(environment, of_suffix(RESTORE, environment))
    try:
        assert (done.returncode, done.stderr) == (0, "")
        (restored,) = rds.describe_db_clusters(DBClusterIdentifier=restored_name)["DBClusters"]
        for field in (
            *("DBClusterParameterGroup", "DBSubnetGroup", "KmsKeyId", "StorageEncrypted"),
            *("EnabledCloudwatchLogsExports", "IAMDatabaseAuthenticationEnabled", "Engine"),
            *("EngineVersion", "EngineLifecycleSupport", "VpcSecurityGroups"),
        ):
            assert restored[field] == source[field], field
        assert restored["EnabledCloudwatchLogsExports"] == ["postgresql"]
        assert restored["IAMDatabaseAuthenticationEnabled"] is True
        assert restored["DBClusterParameterGroup"].startswith("aurora-postgresql16-cluster-param")
        writer, instance = (
            rds.describe_db_instances(DBInstanceIdentifier=one)["DBInstances"][0]
            for one in (f"aurora-writer-{environment.suffix}", f"{restored_name}-1")
        )
        assert parameter_groups(instance) == parameter_groups(writer)
        assert instance["PubliclyAccessible"] is False
        environment.client("logs").create_log_group(
            logGroupName=f"/aws/rds/cluster/{restored_name}/postgresql"
        )
    finally:
        done = run(environment, of_suffix(DELETE, environment))
    assert (done.returncode, done.stderr) == (0, "")
    names = [one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"]]
    assert restored_name not in names
    assert name in names


def test_command_restores_the_instance_of_the_web_application(web: Environment) -> None:
    rds = web.client("rds")
    names = (f"web-database-{web.suffix}", f"web-restored-{web.suffix}")
    done = run(web, of_suffix(RESTORE_INSTANCE, web))
    try:
        assert (done.returncode, done.stderr) == (0, "")
        source, restored = (
            rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0] for name in names
        )
        for instance in (source, restored):
            assert {*instance["EnabledCloudwatchLogsExports"]} == {"postgresql", "upgrade"}
            assert instance["IAMDatabaseAuthenticationEnabled"] is True
        for field in ("KmsKeyId", "EngineVersion", "VpcSecurityGroups"):
            assert restored[field] == source[field], field
        subnets = [one["DBSubnetGroup"]["DBSubnetGroupName"] for one in (source, restored)]
        assert subnets[0] == subnets[1]
        assert parameter_groups(restored) == parameter_groups(source)
        assert parameter_groups(restored)[0].startswith("web-postgres15-")
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=names[1], SkipFinalSnapshot=True)


def test_command_reads_the_bastion_address_from_the_outputs(bastion: Environment) -> None:
    (command,) = re.findall(
        r"`(ssh -J [^`]+)`", section("Deploy the production network and its bastion")
    )
    inner = re.findall(r"\$\((.*?)\)", command)
    done = run(bastion, f"cd cdktf.out/stacks/bastion; {inner[0]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == bastion.outputs["bastion_host_public_ip"]
