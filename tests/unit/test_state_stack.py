"""The state stack: one bucket, made before anything else."""

from __future__ import annotations

from tests.support.synthesis import Synthesizer
from tests.support.template import Template


def test_its_own_state_is_a_local_file_beside_the_project(state: Template) -> None:
    assert state.document["terraform"]["backend"] == {
        "local": {"path": "../../../terraform.state.tfstate"}
    }


def test_it_makes_the_bucket_that_the_others_use(state: Template, tap: Template) -> None:
    bucket = state.get("aws_s3_bucket", "State")
    assert bucket["bucket"] == tap.document["terraform"]["backend"]["s3"]["bucket"]
    assert state.document["output"] == {
        "state_bucket_name": {"value": bucket.ref("bucket")},
        "state_bucket_region": {"value": "us-east-1"},
    }


def test_it_makes_nothing_else(state: Template) -> None:
    assert {r.type for r in state.resources()} - {"aws_s3_bucket"} == {
        f"aws_s3_bucket_{part}"
        for part in (
            *("lifecycle_configuration", "ownership_controls", "policy", "public_access_block"),
            *("server_side_encryption_configuration", "versioning"),
        )
    }


def test_a_lock_can_be_released(state: Template) -> None:
    """Releasing one deletes its object, so that deletion may not need MFA here."""
    statements = state.get("aws_s3_bucket_policy").statements()
    assert not [sid for sid in statements if "Deletion" in sid]
    assert all(statement["Effect"] == "Deny" for statement in statements.values())


def test_old_states_are_kept_a_while(state: Template) -> None:
    (rule,) = state.get("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert "expiration" not in rule


def test_it_lives_in_the_region_of_the_bucket(synth: Synthesizer) -> None:
    template = synth("state", AWS_REGION="eu-central-1", TERRAFORM_STATE_BUCKET_REGION="eu-west-1")
    assert template.document["provider"]["aws"][0]["region"] == "eu-west-1"
    assert template.document["output"]["state_bucket_region"]["value"] == "eu-west-1"


def test_a_key_of_someone_else_encrypts_it(synth: Synthesizer) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    template = synth("state", TERRAFORM_STATE_KMS_KEY_ARN=arn)
    (rule,) = template.get("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": arn,
    }


def test_without_a_key_s3_encrypts_it(state: Template) -> None:
    (rule,) = state.get("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
