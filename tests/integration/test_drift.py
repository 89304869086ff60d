"""Changes made behind Terraform's back are found; its own work is not taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.small_stack import SECRET, policy, stack, write
from tools.drift.report import report
from tools.drift.trail import Trail
from tools.emulator import Emulator
from tools.plan_review import Level, outside, planning, review
from tools.plan_review import report as review_report
from tools.terraform import Workspace

SLOW = ("aws_instance", "aws_rds_cluster")


def small() -> dict[str, Any]:
    """Of the small stack what is made fast, and resources that another resource finishes."""
    document = stack()
    resources = document["resource"]
    for kind in SLOW:
        del resources[kind]
    bucket = "${aws_s3_bucket.Results_Bucket.id}"
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::small-results/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    resources["aws_s3_bucket_versioning"] = {
        "Results_Versions": {"bucket": bucket, "versioning_configuration": {"status": "Enabled"}}
    }
    resources["aws_s3_bucket_policy"] = {
        "Results_Policy": {"bucket": bucket, "policy": policy(refusal)}
    }
    return document


@pytest.fixture(scope="module")
def deployed(
    terraform_is_ready: None, fresh_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("drift"), fresh_emulator.environment())
    write(small(), workspace.folder)
    workspace.init()
    workspace.apply()
    return workspace


def found(workspace: Workspace, trail: Trail | None = None) -> tuple[list[outside.Drift], str]:
    plan = planning.plan_stack(workspace, "small", "-refresh-only")
    drift = outside.drift(plan)
    trail = trail or Trail()
    deeds = {("small", one.change.address): trail.deeds(one.change, plan.region) for one in drift}
    return drift, report([(plan, drift)], deeds, trail.silence)


def test_terraforms_own_work_is_no_drift(deployed: Workspace) -> None:
    drift, text = found(deployed)
    assert (
        text.splitlines()[0] == "🟢 **no drift**: nothing of `small` was changed outside Terraform"
    ), text
    assert drift == []
    assert not list(deployed.folder.glob("*.tfplan"))


def test_changes_by_hand_are_found(
    deployed: Workspace, fresh_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fresh_emulator.environment().items():
        monkeypatch.setenv(name, value)
    ec2, iam = fresh_emulator.client("ec2"), fresh_emulator.client("iam")
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["small-web"]}])
    ec2.authorize_security_group_ingress(
        GroupId=groups["SecurityGroups"][0]["GroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "198.51.100.7/32"}],
            }
        ],
    )
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(
        RoleName="small-worker", PolicyName="objects", PolicyDocument=policy(everything)
    )
    iam.put_role_policy(
        RoleName="small-worker", PolicyName="by-hand", PolicyDocument=policy(everything)
    )
    fresh_emulator.client("logs").put_retention_policy(
        logGroupName="small-worker", retentionInDays=1
    )
    secrets = fresh_emulator.client("secretsmanager")
    secrets.put_secret_value(SecretId="small-secret", SecretString=json.dumps({"password": "by-h"}))
    drift, text = found(deployed)
    assert text.startswith("🟡 **drift**: ")
    paths = {one.change.path for one in drift}
    assert {
        "small/Web/Group",
        "small/Worker/Role",
        "small/Worker/Role/Policy",
        "small/Worker/Logs",
    } <= paths, text
    assert "small/Results/Bucket" not in paths
    assert "+ ingress tcp 22 from 198.51.100.7/32" in text
    # The rule that Terraform made is not told as somebody's.
    assert "443" not in text
    assert "by-hand" in text
    assert "-   s3:GetObject" in text
    assert "+   *" in text
    assert "retention_in_days: 90 → 1" in text
    assert SECRET not in text
    assert "by-h" not in text.replace("by-hand", "")
    # The emulator has no such call, as an account may refuse it.
    assert "CloudTrail does not say who did it: LookupEvents was answered with" in text


def test_a_review_says_that_something_was_changed_outside(deployed: Workspace) -> None:
    """Runs after the changes above, in one module's order."""
    judged = review([planning.plan_stack(deployed, "small")])
    text = review_report(judged)
    # To put the policy back is to narrow it; what was added by hand beside it stays.
    assert judged.level is Level.LOOK, text
    assert "**changed outside Terraform**: `small/Worker/Role/Policy`" in text
    assert SECRET not in text
