"""StateStack: the bucket of the Terraform states."""

from __future__ import annotations

from tests.support.synthesis import Synthesizer
from tests.support.template import Template


def test_state_of_the_stack_is_a_local_file(state: Template) -> None:
    assert state.document["terraform"]["backend"] == {
        "local": {"path": "../../../terraform.state.tfstate"}
    }


def test_bucket_is_the_backend_of_other_stacks(state: Template, tap: Template) -> None:
    bucket = state.get("aws_s3_bucket", "State")
    assert bucket["bucket"] == tap.document["terraform"]["backend"]["s3"]["bucket"]
    assert state.document["output"] == {
        "state_bucket_name": {"value": bucket.ref("bucket")},
        "state_bucket_region": {"value": "us-east-1"},
    }


def test_stack_contains_one_bucket_only(state: Template) -> None:
    assert {r.type for r in state.resources()} - {"aws_s3_bucket"} == {
        f"aws_s3_bucket_{part}"
        for part in (
            *("lifecycle_configuration", "ownership_controls", "policy", "public_access_block"),
            *("server_side_encryption_configuration", "versioning"),
        )
    }


def test_deletion_of_objects_does_not_require_mfa(state: Template) -> None:
    """Terraform deletes the object of a lock to release it."""
    statements = state.get("aws_s3_bucket_policy").statements()
    assert not [sid for sid in statements if "Deletion" in sid]
    assert all(statement["Effect"] == "Deny" for statement in statements.values())


def test_noncurrent_versions_expire_and_current_versions_do_not(state: Template) -> None:
    (rule,) = state.get("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert "expiration" not in rule


def test_region_is_that_of_the_state_bucket(synth: Synthesizer) -> None:
    template = synth("state", AWS_REGION="eu-central-1", TERRAFORM_STATE_BUCKET_REGION="eu-west-1")
    assert template.document["provider"]["aws"][0]["region"] == "eu-west-1"
    assert template.document["output"]["state_bucket_region"]["value"] == "eu-west-1"


def test_bucket_can_be_encrypted_with_an_existing_key(synth: Synthesizer) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    template = synth("state", TERRAFORM_STATE_KMS_KEY_ARN=arn)
    (rule,) = template.get("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": arn,
    }


def test_bucket_without_a_key_uses_sse_s3(state: Template) -> None:
    (rule,) = state.get("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
