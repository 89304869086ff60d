"""Images, roles and user data of instances."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cdktf import TerraformOutput

from lib.compute.instances import IMAGES, PACKAGES, InstanceRole, newest_image, user_data
from lib.monitoring.log_group import LogGroup
from tests.support.first_boot import first_boot
from tests.unit.conftest import UnitStack


def log_group(stack: UnitStack, kind: str) -> LogGroup:
    return LogGroup(stack, kind.title(), context=stack.context, path="/some", kind=kind)


def new_role(stack: UnitStack, *log_groups: LogGroup) -> InstanceRole:
    return InstanceRole(
        stack,
        "Role",
        context=stack.context,
        kind="some-role",
        description="Some role",
        log_groups=log_groups,
    )


@pytest.mark.parametrize(
    ("release", "image"), [("2", "amzn2-ami-kernel"), ("2023", "al2023-ami-kernel")]
)
def test_newest_image_is_read_at_plan_time(release: str, image: str, stack: UnitStack) -> None:
    TerraformOutput(stack, "image", value=newest_image(stack, "Image", release))
    template = stack.template()
    parameter = template.data("aws_ssm_parameter")
    assert re.fullmatch(
        rf"/aws/service/ami-amazon-linux-latest/{image}-default-(hvm-)?x86_64(-gp2)?",
        parameter["name"],
    )
    # Plans hide the attribute `value`.
    assert template.document["output"]["image"]["value"] == parameter.ref("insecure_value")


def test_each_release_has_an_image_and_packages() -> None:
    assert {*IMAGES} == {*PACKAGES} == {"2", "2023"}


def test_unknown_release_is_rejected(stack: UnitStack) -> None:
    message = r"release: received '1'; accepted: 2, 2023\."
    with pytest.raises(ValueError, match=message):
        newest_image(stack, "Image", "1")
    with pytest.raises(ValueError, match=message):
        user_data(release="1", setup=(), logs={})


def test_ec2_assumes_the_role_of_the_profile(stack: UnitStack) -> None:
    new_role(stack)
    template = stack.template()
    role, profile = template.get("aws_iam_role"), template.get("aws_iam_instance_profile")
    (trust,) = role.statements("assume_role_policy").values()
    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert profile["role"] == role.ref("name")
    assert profile["name"] == role["name"] == "some-role-unit"


def test_role_without_log_groups_allows_sessions_only(stack: UnitStack) -> None:
    new_role(stack)
    template = stack.template()
    register, offer = template.get("aws_iam_role_policy").statements().values()
    assert register["Action"] == "ssm:UpdateInstanceInformation"
    assert register["Resource"] == f"arn:aws:ec2:us-east-1:{template.account_id}:instance/*"
    assert {*offer["Action"]} == {
        f"ssmmessages:{verb}{what}Channel"
        for verb in ("Create", "Open")
        for what in ("Control", "Data")
    }
    (attached,) = template.of_type("aws_iam_role_policy_attachment")
    assert attached["policy_arn"] == template.get("aws_iam_policy", "RegionRestriction").ref("arn")


def test_role_writes_to_its_log_groups_only(stack: UnitStack) -> None:
    log_group(stack, "foreign")
    new_role(stack, log_group(stack, "first"), log_group(stack, "second"))
    template = stack.template()
    write = template.get("aws_iam_role_policy").statements()["WriteLogs"]
    assert {*write["Action"]} == {
        *("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    }
    assert write["Resource"] == [
        template.get("aws_cloudwatch_log_group", path).ref("arn") + ":*"
        for path in ("First", "Second")
    ]


@pytest.mark.parametrize("release", IMAGES)
def test_user_data_starts_the_agent_before_the_setup(
    release: str, stack: UnitStack, tmp_path: Path
) -> None:
    first, second = log_group(stack, "first"), log_group(stack, "second")
    script = user_data(
        release=release,
        setup=("systemctl start one", "systemctl start two"),
        logs={"/var/log/a/x.log": first, "/var/log/b/y.log": first, "/var/log/z": second},
    )
    TerraformOutput(stack, "script", value=script)
    template = stack.template()
    boot = first_boot(template.document["output"]["script"]["value"], tmp_path / "root")
    assert (boot.code, boot.errors) == (0, "")
    names = {
        path: template.get("aws_cloudwatch_log_group", path).ref("name")
        for path in ("First", "Second")
    }
    assert boot.collected() == {
        "/var/log/a/x.log": (names["First"], "{instance_id}/x.log"),
        "/var/log/b/y.log": (names["First"], "{instance_id}/y.log"),
        "/var/log/z": (names["Second"], "{instance_id}/z"),
    }
    install, *_, agent, one, two = boot.calls
    assert install == f"yum install -y {' '.join(PACKAGES[release])}"
    assert agent.startswith("amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s ")
    assert [one, two] == ["systemctl start one", "systemctl start two"]


def test_rsyslog_is_installed_on_amazon_linux_2023_only(tmp_path: Path) -> None:
    start = "systemctl enable --now rsyslog"
    for release, expected in (("2", False), ("2023", True)):
        script = user_data(release=release, setup=(), logs={})
        boot = first_boot(script, tmp_path / release)
        assert ("rsyslog" in boot.calls[0], start in boot.calls) == (expected, expected)


def test_installation_of_packages_is_retried(tmp_path: Path) -> None:
    script = user_data(release="2", setup=("systemctl start it",), logs={})
    boot = first_boot(script, tmp_path / "root", failures={"yum": 3})
    assert boot.code == 0
    assert [call.split()[0] for call in boot.calls] == [
        *["yum", "sleep"] * 3,
        *("yum", "amazon-cloudwatch-agent-ctl", "systemctl"),
    ]


def test_retries_are_limited(tmp_path: Path) -> None:
    script = user_data(release="2", setup=("systemctl start it",), logs={})
    boot = first_boot(script, tmp_path / "root", failures={"yum": 1000})
    assert boot.code == 1
    assert {call.split()[0] for call in boot.calls} == {"yum", "sleep"}


def test_user_data_stops_at_the_first_error(tmp_path: Path) -> None:
    script = user_data(release="2", setup=("systemctl start one", "systemctl start two"), logs={})
    boot = first_boot(script, tmp_path / "root", failures={"systemctl": 1})
    assert boot.code == 1
    assert boot.calls[-1] == "systemctl start one"


@pytest.mark.parametrize("release", IMAGES)
def test_user_data_contains_no_terraform_expressions(release: str) -> None:
    script = user_data(release=release, setup=(), logs={})
    assert not re.search(r"[$%]\{", script)
