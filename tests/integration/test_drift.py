"""Changes made outside Terraform are drift; the results of its own work are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.small_stack import SECRET, policy, stack, write
from tools.drift.events import EventHistory
from tools.drift.report import report
from tools.emulator import Emulator
from tools.plan_review import Level, evaluate, planning
from tools.plan_review import report as review_report
from tools.plan_review.drift import Drift, detect_drift
from tools.terraform import Workspace

SLOW = ("aws_instance", "aws_rds_cluster")


def small() -> dict[str, Any]:
    """Return the small stack without slow resources, and with standalone resources of a bucket."""
    document = stack()
    resources = document["resource"]
    for kind in SLOW:
        del resources[kind]
    bucket = "${aws_s3_bucket.Results_Bucket.id}"
    deny = {
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
        "Results_Policy": {"bucket": bucket, "policy": policy(deny)}
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


def found(workspace: Workspace) -> tuple[list[Drift], str]:
    plan = planning.plan_stack(workspace, "small", "-refresh-only")
    drift = detect_drift(plan)
    history = EventHistory()
    events = {
        ("small", one.change.address): history.events(one.change, plan.region) for one in drift
    }
    return drift, report([(plan, drift)], events, history.unavailable)


def test_results_of_terraform_are_no_drift(deployed: Workspace) -> None:
    drift, text = found(deployed)
    assert (
        text.splitlines()[0]
        == "🟢 **no drift**: no resource of `small` was changed outside Terraform"
    ), text
    assert drift == []
    assert not list(deployed.folder.glob("*.tfplan"))


def test_manual_changes_are_drift(
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
        RoleName="small-reader", PolicyName="objects", PolicyDocument=policy(everything)
    )
    iam.put_role_policy(
        RoleName="small-reader", PolicyName="by-hand", PolicyDocument=policy(everything)
    )
    fresh_emulator.client("logs").put_retention_policy(
        logGroupName="small-server", retentionInDays=1
    )
    secrets = fresh_emulator.client("secretsmanager")
    secrets.put_secret_value(SecretId="small-secret", SecretString=json.dumps({"password": "by-h"}))
    drift, text = found(deployed)
    assert text.startswith("🟡 **drift**: ")
    paths = {one.change.path for one in drift}
    assert {
        "small/Web/Group",
        "small/Reader/Role",
        "small/Reader/Role/Policy",
        "small/Server/Logs",
    } <= paths, text
    assert "small/Results/Bucket" not in paths
    assert "+ ingress tcp 22 from 198.51.100.7/32" in text
    # The rule that Terraform created is no drift.
    assert "443" not in text
    assert "by-hand" in text
    assert "-   s3:GetObject" in text
    assert "+   *" in text
    assert "retention_in_days: 90 → 1" in text
    assert SECRET not in text
    assert "by-h" not in text.replace("by-hand", "")
    # The emulator does not implement the call.
    assert "CloudTrail events are not available: LookupEvents returned" in text


def test_a_review_reports_drift(deployed: Workspace) -> None:
    """Runs after the changes above, in the order of the module."""
    result = evaluate([planning.plan_stack(deployed, "small")])
    text = review_report(result)
    # The plan narrows the policy again; policies that were added manually are not in it.
    assert result.level is Level.LOOK, text
    assert "**changed outside Terraform**: `small/Reader/Role/Policy`" in text
    assert SECRET not in text
