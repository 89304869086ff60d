"""Plans, state locks and destruction of the deployed stacks."""

from __future__ import annotations

import itertools
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import STATE_BUCKET, Environment, Platform
from tools.emulator import inventory
from tools.terraform import TerraformError, binary, whole_environment

OUTPUTS = {
    *("vpc_id", "private_subnet_ids", "data_bucket_name", "access_logs_bucket_name"),
    *("flow_logs_bucket_name", "audit_bucket_name", "kms_key_arn", "aurora_cluster_id"),
    *("aurora_cluster_endpoint", "aurora_reader_endpoint", "aurora_database_name"),
    *("database_secret_arn", "function_name", "function_arn", "alarm_topic_arn"),
    *("dashboard_name", "trail_arn", "queue_url", "queue_arn"),
    *("dead_letter_queue_url", "dead_letter_queue_arn"),
}


def lock_exists(environment: Environment) -> bool:
    try:
        environment.client("s3").head_object(
            Bucket=STATE_BUCKET, Key=f"{environment.suffix}/tap.tfstate.tflock"
        )
    except ClientError:
        return False
    return True


def test_outputs_have_expected_names(environment: Environment) -> None:
    assert set(environment.outputs) == OUTPUTS
    assert environment.outputs["data_bucket_name"] == "data-default-123456789012"


def test_outputs_are_not_empty(platform: Platform) -> None:
    for environment in platform.environments:
        assert all(value not in (None, "", []) for value in environment.outputs.values())


def test_second_plan_has_no_changes(platform: Platform) -> None:
    with ThreadPoolExecutor() as pool:
        plans = list(pool.map(lambda one: one.terraform.plan(), platform.environments))
    assert plans == [None] * 4


def values(environment: Environment) -> set[str]:
    """The values of a stack's outputs, without those that are equal in every environment."""
    alike = ("aurora_database_name", "vpc_cidr_block", "availability_zones", "application_url")
    return {
        str(one)
        for name, value in environment.outputs.items()
        if name not in alike
        for one in (value if isinstance(value, list) else [value])
    }


def test_deployed_stacks_share_no_resource(platform: Platform) -> None:
    for one, other in itertools.combinations(platform.environments, 2):
        assert not values(one) & values(other)


def test_each_stack_has_its_own_state(platform: Platform) -> None:
    found = platform.default.client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]
    assert {one["Key"] for one in found} == {
        *("default/tap.tfstate", "default/bastion.tfstate", "default/web.tfstate"),
        "custom/tap.tfstate",
    }


def test_state_bucket_is_versioned_and_encrypted(platform: Platform) -> None:
    s3 = platform.default.client("s3")
    assert s3.get_bucket_versioning(Bucket=STATE_BUCKET)["Status"] == "Enabled"
    found = s3.head_object(Bucket=STATE_BUCKET, Key="default/tap.tfstate")
    assert found["ServerSideEncryption"] == "AES256"


def test_apply_fails_while_another_process_holds_the_lock(custom_environment: Environment) -> None:
    # A destroy that waits for its "yes" holds the lock.
    holder = subprocess.Popen(
        [binary().path, "destroy", "-no-color", "-refresh=false"],
        cwd=custom_environment.terraform.folder,
        env=whole_environment(custom_environment.terraform.extra) | {"TF_INPUT": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not lock_exists(custom_environment):
            assert holder.poll() is None, holder.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with pytest.raises(TerraformError, match="Error acquiring the state lock") as refused:
            custom_environment.terraform.apply()
        assert "PreconditionFailed" in str(refused.value)
    finally:
        holder.communicate("no\n", timeout=120)
    assert not lock_exists(custom_environment)
    assert custom_environment.terraform.plan("-refresh=false") is None


@pytest.mark.last
def test_destroy_leaves_no_resources(platform: Platform) -> None:
    """Objects, versions and delete markers in the buckets are deleted too."""
    s3, bucket = platform.default.client("s3"), platform.default.outputs["data_bucket_name"]
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="incoming/versions", Body=b"x")
    with ThreadPoolExecutor() as pool:
        ends = [pool.submit(one.terraform.destroy) for one in platform.environments]
        for end in ends:
            end.result()
    platform.state.destroy()
    platform.placeholders.close()
    regions = sorted({one.region for one in platform.environments})
    assert regions == ["us-east-1", "us-west-2"]
    assert inventory(platform.emulator.endpoint, *regions) == []
