"""Synthesis fails on violations of rules of high severity, and publishes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cdktf import TerraformResource
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.instance import Instance
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

import main
from lib.iam_policy import Statement, document
from lib.rules import RULES
from lib.state_stack import StateStack
from lib.suppressions import suppress
from tests.unit.test_main import PRODUCT, PROJECT, run, tree

KEY = "arn:aws:kms:us-east-1:123456789012:key/0-1"
Plant = Callable[[Construct], Any]


def open_group(scope: Construct) -> TerraformResource:
    return VpcSecurityGroupIngressRule(
        scope,
        "Open",
        security_group_id="sg-1",
        ip_protocol="tcp",
        from_port=22,
        to_port=22,
        cidr_ipv4="0.0.0.0/0",
    )


def plain_bucket(scope: Construct) -> Construct:
    return S3Bucket(scope, "Open", bucket="plain-dev")


def database(scope: Construct, **given: Any) -> Construct:
    return DbInstance(
        scope,
        "Open",
        **{
            "instance_class": "db.t4g.micro",
            "storage_encrypted": True,
            "kms_key_id": KEY,
            "performance_insights_kms_key_id": KEY,
            "publicly_accessible": False,
            **given,
        },
    )


def everything_allowed(scope: Construct) -> Construct:
    allowed = Statement(sid="Open", actions=("*",))
    return IamRolePolicy(scope, "Open", role="role", policy=document(allowed))


def own_policy(scope: Construct) -> Construct:
    allowed = Statement(sid="Open", actions=("iam:PutRolePolicy",), resources=("arn:r",))
    return IamRolePolicy(scope, "Open", role="role", policy=document(allowed))


def instance(scope: Construct) -> Construct:
    encrypted = {"encrypted": True, "kms_key_id": KEY}
    return Instance(scope, "Open", ami="ami-1", root_block_device=encrypted)


# Functions that add a resource, each with the rule that it violates.
ADDED: list[tuple[str, Plant]] = [
    ("restrict_ingress", open_group),
    ("require_bucket_encryption", plain_bucket),
    ("no_public_access", plain_bucket),
    ("require_tls", plain_bucket),
    ("no_public_access", lambda scope: database(scope, publicly_accessible=True)),
    ("require_encryption_at_rest", lambda scope: database(scope, storage_encrypted=False)),
    ("no_secrets_in_state", lambda scope: database(scope, password="hunter2")),
    ("no_wildcard_permissions", everything_allowed),
    ("no_privilege_escalation", own_policy),
    ("require_imdsv2", instance),
]


@pytest.fixture
def outdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACKS", "state")
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "some-bucket")
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path / "out"))
    return tmp_path / "out"


def add_to_stack(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    class Planted(StateStack):
        def __init__(self, scope: Construct, id_: str, **given: Any) -> None:
            super().__init__(scope, id_, **given)
            plant(Construct(self, "Extra"))

    monkeypatch.setattr("lib.state_stack.StateStack", Planted)


def test_synthesis_fails_on_duplicate_names(
    outdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_two(scope: Construct) -> None:
        for id_ in ("One", "Two"):
            CloudwatchLogGroup(scope, id_, name="same-dev", kms_key_id=KEY, retention_in_days=90)

    add_to_stack(monkeypatch, add_two)
    with pytest.raises(SystemExit):
        main.main()
    assert not outdir.exists()
    assert capsys.readouterr().err == (
        "error: state/Extra/One, state/Extra/Two: the same name 'same-dev'"
        " (aws_cloudwatch_log_group). Give each stack a prefix of its own in lib/stacks.py.\n"
    )


@pytest.mark.parametrize(("name", "plant"), ADDED)
def test_synthesis_fails_on_violations_of_high_severity(
    name: str,
    plant: Plant,
    outdir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add_to_stack(monkeypatch, plant)
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 2
    assert not outdir.exists()
    output = capsys.readouterr()
    assert output.out == ""
    (line, *_) = (line for line in output.err.splitlines() if f" {name}: " in line)
    assert line.startswith("error: state/Extra/Open (aws_")
    assert RULES[name].why in line
    assert RULES[name].remedy in line


def test_failed_synthesis_leaves_the_output_unchanged(
    outdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main.main()
    mask = os.umask(0)
    os.umask(mask)
    for folder in (outdir, outdir / "stacks", outdir / "stacks" / "state"):
        assert folder.stat().st_mode & 0o777 == 0o777 & ~mask
    (outdir / "stacks" / "state" / ".terraform").mkdir()
    (outdir / "stacks" / "state" / ".terraform" / "provider").write_text("Terraform's")
    before = tree(outdir)
    main.main()
    assert tree(outdir) == before
    add_to_stack(monkeypatch, open_group)
    with pytest.raises(SystemExit):
        main.main()
    assert tree(outdir) == before


def test_suppressed_violations_do_not_fail_synthesis(
    outdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def suppressed(scope: Construct) -> None:
        suppress(
            open_group(scope),
            since="2026-11",
            reasons={"restrict_ingress": "The service is public by design"},
        )

    add_to_stack(monkeypatch, suppressed)
    main.main()
    assert "The service is public by design" in (outdir / "stacks/state/cdk.tf.json").read_text()


def test_violations_of_medium_severity_do_not_fail_synthesis(
    outdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(scope: Construct) -> None:
        CloudwatchLogGroup(scope, "Open", name="no-suffix", kms_key_id=KEY, retention_in_days=1)

    add_to_stack(monkeypatch, keep)
    main.main()
    assert outdir.exists()


def test_main_reports_violations_of_additional_constructs(tmp_path: Path) -> None:
    """A copy of the project with one more construct in a stack."""
    project = tmp_path / "product"
    for name in PRODUCT:
        source = PROJECT / name
        ignore = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignore)
        else:
            project.mkdir(exist_ok=True)
            shutil.copyfile(source, project / name)
    (project / "lib" / "extra.py").write_text(
        "from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import (\n"
        "    VpcSecurityGroupIngressRule,\n)\n"
        "from constructs import Construct\n\n\n"
        "class Extra(Construct):\n"
        "    def __init__(self, scope, id_):\n"
        "        super().__init__(scope, id_)\n"
        "        VpcSecurityGroupIngressRule(\n"
        "            self, 'Ssh', security_group_id='sg-1', ip_protocol='tcp',\n"
        "            from_port=22, to_port=22, cidr_ipv4='0.0.0.0/0')\n"
    )
    stack = project / "lib" / "tap_stack.py"
    text = stack.read_text()
    stack.write_text(
        text.replace(
            "        super().__init__(scope, id_)\n",
            "        super().__init__(scope, id_)\n"
            "        from lib.extra import Extra\n\n"
            "        Extra(self, 'Extra')\n",
            1,
        )
    )
    assert stack.read_text() != text
    done = run(tmp_path, project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: tap/Extra/Ssh (aws_vpc_security_group_ingress_rule.")
    assert ": allows ingress from 0.0.0.0/0. restrict_ingress: " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "cdktf.out").exists()
