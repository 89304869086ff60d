"""StateStack: the bucket of the Terraform states."""

from __future__ import annotations

import pytest

from lib.iam_policy import Decision, Request, evaluate
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template


def test_state_of_the_stack_is_a_local_file(state: Template) -> None:
    assert state.document["terraform"]["backend"] == {
        "local": {"path": "../../../terraform.state.tfstate"}
    }


@pytest.fixture(scope="module")
def bucket(state: Template) -> Resource:
    return state.get("aws_s3_bucket", "State")


def part(template: Template, type_: str, name: str = "State") -> Resource:
    """The resource of a type that belongs to a bucket."""
    (found,) = [one for one in template.of_type(type_) if one.path.startswith(f"{name}/")]
    return found


def test_bucket_is_the_backend_of_other_stacks(
    state: Template, tap: Template, bucket: Resource
) -> None:
    logs = state.get("aws_s3_bucket", "AccessLogs")
    assert bucket["bucket"] == tap.document["terraform"]["backend"]["s3"]["bucket"]
    assert state.document["output"] == {
        "state_bucket_name": {"value": bucket.ref("bucket")},
        "state_bucket_region": {"value": "us-east-1"},
        "access_logs_bucket_name": {"value": logs.ref("bucket")},
    }


def test_backend_uses_the_default_encryption_of_the_bucket(tap: Template) -> None:
    """With `encrypt` and without a key, Terraform requests SSE-S3, which the bucket denies."""
    backend = tap.document["terraform"]["backend"]["s3"]
    assert not {"encrypt", "kms_key_id"} & {*backend}


def test_states_are_encrypted_with_a_key_of_the_stack(state: Template) -> None:
    (rule,) = part(state, "aws_s3_bucket_server_side_encryption_configuration")["rule"]
    key = state.get("aws_kms_key")
    assert rule["apply_server_side_encryption_by_default"] == {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": key.ref("arn"),
    }
    assert key["enable_key_rotation"] is True
    statements = key.statements()
    assert {*statements} == {"AllowAccountAdministration", "AllowUseViaServices"}
    via = statements["AllowUseViaServices"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert via == "s3.us-east-1.amazonaws.com"
    assert state.get("aws_kms_alias")["name"] == "alias/terraform-state-unit"


def test_requests_are_logged(state: Template) -> None:
    logs = state.get("aws_s3_bucket", "AccessLogs")
    assert logs["bucket"] == f"state-access-logs-unit-{state.account_id}"
    logging = part(state, "aws_s3_bucket_logging")
    assert logging["target_bucket"] == logs.ref("id")


def test_deletion_of_states_requires_mfa_and_that_of_locks_does_not(state: Template) -> None:
    """Terraform deletes the object of a lock to release it."""
    reference = state.get("aws_s3_bucket", "State").ref("arn")
    policy = part(state, "aws_s3_bucket_policy")["policy"].replace(reference, "arn:aws:s3:::states")

    def denied(key: str, action: str, **context: str) -> bool:
        arn = f"arn:aws:s3:::states/{key}"
        keys = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"} | context
        request = Request(action, arn, "arn:aws:iam::123456789012:role/one", keys)
        return evaluate([policy], request) is Decision.DENY

    recent = {"aws:MultiFactorAuthAge": "60"}
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        for key in ("dev/tap.tfstate", "env:/x/dev/tap.tfstate"):
            assert denied(key, action)
            assert denied(key, action, **{"aws:MultiFactorAuthAge": "3601"})
            assert not denied(key, action, **recent)
        assert not denied("dev/tap.tfstate.tflock", action)


def test_noncurrent_versions_expire_and_current_versions_do_not(state: Template) -> None:
    (rule,) = part(state, "aws_s3_bucket_lifecycle_configuration")["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert "expiration" not in rule


def test_region_is_that_of_the_state_bucket(synth: Synthesizer) -> None:
    template = synth("state", AWS_REGION="eu-central-1", TERRAFORM_STATE_BUCKET_REGION="eu-west-1")
    assert template.document["provider"]["aws"][0]["region"] == "eu-west-1"
    assert template.document["output"]["state_bucket_region"]["value"] == "eu-west-1"


def test_states_can_be_encrypted_with_an_existing_key(synth: Synthesizer) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    template = synth("state", TERRAFORM_STATE_KMS_KEY_ARN=arn)
    (rule,) = part(template, "aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": arn,
    }
    template.assert_none("aws_kms_key")
    backend = synth("tap", TERRAFORM_STATE_KMS_KEY_ARN=arn).document["terraform"]["backend"]["s3"]
    assert (backend["encrypt"], backend["kms_key_id"]) == (True, arn)


def test_remaining_states_are_listed_before_any_other_resource_is_destroyed(
    state: Template,
) -> None:
    (guard,) = (one for one in state.resources() if one.type == "terraform_data")
    others = {f"{one.type}.{one.name}" for one in state.resources() if one.type != guard.type}
    assert {*guard["depends_on"]} == others
    bucket = state.get("aws_s3_bucket", "State")
    assert guard["input"] == {"bucket": bucket.ref("id"), "region": "us-east-1"}
    (provisioner,) = guard["provisioner"]
    command = provisioner["local-exec"]
    assert command["when"] == "destroy"
    assert "on_failure" not in command
    assert command["command"].endswith('/remaining_states.py "$BUCKET" "$REGION"')
