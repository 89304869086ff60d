"""The local deployment: its port, its progress, its placeholders and its instructions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lib.settings import load_settings
from tools import terraform
from tools.emulator import Emulator
from tools.errors import ToolError
from tools.local import deployment as local
from tools.local.deployment import LocalDeployment, _instructions, _port
from tools.local.placeholders import LocalPlaceholders, hosted_zone, public_key
from tools.local.progress import Progress, shown
from tools.terraform import Event


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "45 66"])
def test_invalid_port_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LOCAL_PORT", value)
    with pytest.raises(ToolError, match=f"LOCAL_PORT: received '{value}'; accepted"):
        _port()


def hook(type_: str, address: str, action: str = "create") -> Event:
    resource = {"addr": address, "resource_type": address.partition(".")[0]}
    return {"type": type_, "hook": {"resource": resource, "action": action}}


def summary(operation: str = "plan", **changes: int) -> Event:
    return {"type": "change_summary", "changes": {"operation": operation, **changes}}


def test_progress_counts_the_events_of_all_stacks() -> None:
    progress = Progress()
    assert progress.text(5) == "0:05  planning"
    events = [
        ("tap", summary(add=2, change=1)),
        ("web", summary(add=3, remove=1)),
        ("tap", hook("apply_start", "data.aws_iam_policy_document.one", "read")),
        ("tap", hook("apply_start", "aws_vpc.Network")),
        ("web", hook("apply_start", "aws_vpc.Network")),
        ("tap", hook("apply_start", "aws_rds_cluster.Database")),
        ("tap", hook("apply_complete", "aws_vpc.Network")),
        ("tap", hook("apply_errored", "aws_rds_cluster.Database")),
        ("tap", {"type": "apply_progress"}),
        ("tap", summary("apply", add=9)),
    ]
    for stack, event in events:
        progress.add(stack, event)
    assert progress.text(75) == "1:15  1 of 7 resources  in progress: vpc"


def test_progress_prints_the_total_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("terraform apply tap") as progress:
        progress.add("tap", summary(add=1))
        progress.add("tap", hook("apply_start", "aws_vpc.Network"))
        progress.add("tap", hook("apply_complete", "aws_vpc.Network"))
    assert capsys.readouterr().out == "  terraform apply tap  done in 0 s, 1 resources\n"


class Route53:
    """Route 53 with one zone, and in it whatever records remain."""

    def __init__(self, *remaining: str) -> None:
        self.zones: list[str] = []
        self.records = [{"Type": kind, "Name": "app.example.test."} for kind in ("NS", *remaining)]

    def client(self, service: str) -> Route53:
        assert service == "route53"
        return self

    def create_hosted_zone(self, *, Name: str, CallerReference: str) -> object:  # noqa: N803
        self.zones.append(Name)
        return {"HostedZone": {"Id": "/hostedzone/Z01"}}

    def list_resource_record_sets(self, *, HostedZoneId: str) -> object:  # noqa: N803
        return {"ResourceRecordSets": self.records}

    def delete_hosted_zone(self, *, Id: str) -> None:  # noqa: N803
        assert Id == "Z01"
        self.zones.pop()


def placeholders(emulator: Route53, stacks: list[str], **environment: str) -> LocalPlaceholders:
    return LocalPlaceholders(emulator, stacks, environment)  # type: ignore[arg-type]


def test_placeholders_are_created_for_settings_without_a_default(tmp_path: Path) -> None:
    route53 = Route53()
    with placeholders(route53, ["tap", "bastion", "web"]) as created:
        settings = load_settings(
            {"STACKS": "tap,bastion,web", "TERRAFORM_STATE_BUCKET": "states", **created.variables},
            tmp_path,
        )
        assert route53.zones == ["example.test"]
    assert settings.web.hosted_zone_id == "Z01"
    assert settings.web.domain_name == "app.example.test"
    assert [line.partition(":")[0] for line in created.messages] == ["bastion", "web"]
    assert route53.zones == []


def test_values_of_the_environment_are_not_replaced() -> None:
    route53 = Route53()
    values = {"TAP_BASTION_PUBLIC_KEY": "mine", "TAP_WEB_CERTIFICATE_ARN": "mine"}
    assert placeholders(route53, ["bastion", "web"], **values).variables == {}
    assert placeholders(route53, ["tap"]).variables == {}
    assert route53.zones == []
    empty = placeholders(route53, ["bastion"], TAP_BASTION_PUBLIC_KEY="")
    assert {*empty.variables} == {"TAP_BASTION_PUBLIC_KEY"}


def test_every_placeholder_key_is_unique() -> None:
    assert public_key() != public_key()


def test_remaining_record_in_the_zone_is_an_error() -> None:
    with (
        pytest.raises(ToolError, match=r"example\.test: records remain: A app\.example\.test\."),
        hosted_zone(Route53("A")),  # type: ignore[arg-type]
    ):
        pass


def test_instructions_export_the_settings_for_another_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "ROOT", tmp_path)
    monkeypatch.setattr(terraform, "whole_environment", dict)
    key = {"TAP_BASTION_PUBLIC_KEY": "ssh-ed25519 AAAA it's mine"}
    emulator = Emulator()
    emulator.port = 4599
    deployment = LocalDeployment(emulator, ["tap", "bastion"], tmp_path, key)
    text = _instructions(deployment)
    assert ". environment.sh " in text
    assert "incoming/" in text
    names = [*key, "STACKS", "TERRAFORM_STATE_BUCKET", "AWS_ENDPOINT_URL"]
    lines = "; ".join(f'echo "${name}"' for name in names)
    output = subprocess.run(
        ["sh", "-c", f". ./environment.sh; {lines}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = [*key.values(), "tap,bastion", "terraform-state-local", "http://127.0.0.1:4599"]
    assert output == expected
