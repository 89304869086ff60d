"""The break-glass role that deletes objects after MFA."""

from __future__ import annotations

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Template

USERS = (
    "arn:aws:iam::123456789012:user/emergency/first",
    "arn:aws:iam::123456789012:user/second",
)
# The buckets that require MFA for deletion, by stack.
BUCKETS = {
    "tap": {
        "AccessLogs",
        "DataProcessing/Data",
        "Monitoring/Audit",
        "Monitoring/ConfigLogs",
        "Network/FlowLogs",
    },
    "bastion": {"AccessLogs", "Backups", "Monitoring/Audit", "Network/FlowLogs"},
    "web": {"AccessLogs", "Data", "LoadBalancer/Logs", "Network/FlowLogs"},
}


@pytest.fixture(params=BUCKETS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def template(stack: str, synth: Synthesizer) -> Template:
    return synth(stack, TAP_STORAGE_DELETION_USERS=",".join(USERS))


def test_role_requires_the_setting(stack: str, synth: Synthesizer) -> None:
    template = synth(stack)
    assert "DeletionRole" not in {one.path for one in template.of_type("aws_iam_role")}
    assert "deletion_role_arn" not in template.document["output"]


def test_users_assume_the_role_with_mfa(template: Template) -> None:
    role = template.get("aws_iam_role", "DeletionRole")
    assert role["max_session_duration"] == 3600
    (statement,) = role.statements("assume_role_policy").values()
    assert statement == {
        "Sid": "AssumeWithMfa",
        "Effect": "Allow",
        "Principal": {"AWS": [*USERS]},
        "Action": "sts:AssumeRole",
        "Condition": {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "NumericLessThanEquals": {"aws:MultiFactorAuthAge": "3600"},
        },
    }
    assert template.document["output"]["deletion_role_arn"]["value"] == role.ref("arn")


def test_role_deletes_versions_of_the_buckets_that_require_mfa(
    stack: str, template: Template
) -> None:
    policy = template.get("aws_iam_role_policy", "DeletionRole/Policy")
    statements = policy.statements()
    arns = {template.get("aws_s3_bucket", path).ref("arn") for path in BUCKETS[stack]}
    assert {*statements} == {"ListVersions", "DeleteVersions"}
    assert statements["ListVersions"]["Action"] == ["s3:ListBucket", "s3:ListBucketVersions"]
    assert {*statements["ListVersions"]["Resource"]} == arns
    assert statements["DeleteVersions"]["Action"] == [
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
    ]
    assert {*statements["DeleteVersions"]["Resource"]} == {f"{arn}/*" for arn in arns}


def test_buckets_of_the_role_are_those_whose_policies_require_mfa(template: Template) -> None:
    requiring = {
        one.path.removesuffix("/Policy")
        for one in template.of_type("aws_s3_bucket_policy")
        if "DenyDeletionWithoutMfa" in one.statements()
    }
    assert requiring in BUCKETS.values()
