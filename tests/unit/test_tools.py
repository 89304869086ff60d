"""The tools people run: what they say when something outside is not as it must be."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.rules import Template
from lib.settings import load_settings
from lib.stacks import placeholder_variables
from tools import checkov, terraform
from tools.emulator import Emulator
from tools.errors import ToolError, run
from tools.local import deployment as local
from tools.local.deployment import LocalDeployment, _how_to_use, _port
from tools.local.placeholders import LocalPlaceholders, hosted_zone, public_key
from tools.local.progress import Progress
from tools.providers import mirror as providers


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the tools find out once a process is found out anew."""
    cached = (terraform.binary, terraform.offline, terraform.environment, providers.mirrors)
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


def fake_terraform(folder: Path, says: str) -> Path:
    binary = folder / "terraform"
    binary.write_text(f"#!/bin/sh\necho '{says}'\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return binary


def test_a_missing_terraform_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "no-such-terraform")
    with pytest.raises(ToolError, match=r"'no-such-terraform' is not on PATH; accepted: .* 1\.11"):
        terraform.binary()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("Terraform v1.10.5", r"version 1\.10\.5; accepted: .*1\.11"),
        ("OpenTofu v1.9.0", r"OpenTofu: .*version 1\.9\.0"),
        ("something else", "calls itself 'something else'"),
    ],
)
def test_a_wrong_terraform_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, told: str
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(fake_terraform(tmp_path, says)))
    with pytest.raises(ToolError, match=told):
        terraform.binary()


@pytest.mark.parametrize(
    ("says", "version", "registry"),
    [
        ("Terraform v1.11.4", (1, 11, 4), "registry.terraform.io"),
        ("OpenTofu v1.11.0", (1, 11, 0), "registry.opentofu.org"),
        ("Terraform v2.0.0", (2, 0, 0), "registry.terraform.io"),
    ],
)
def test_terraform_and_opentofu_are_known_by_what_they_say(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    version: tuple[int, int, int],
    registry: str,
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(fake_terraform(tmp_path, says)))
    found = terraform.binary()
    assert (found.version, found.registry) == (version, registry)


def provider(mirror: Path, name: str) -> Path:
    folder = mirror / "hashicorp" / name / "9.9.9" / providers._platform()
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-{name}_v9.9.9").touch()
    return folder


def test_a_mirror_is_found_by_its_name_a_few_levels_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "some" / "where" / "registry.terraform.io"
    provider(mirror, "aws")
    provider(tmp_path / "registry.terraform.io", "other")
    monkeypatch.setattr(providers, "_search_roots", lambda: [tmp_path])
    assert providers.mirrors() == (mirror,)


def test_offline_the_mirror_is_used_and_random_stood_in_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "registry.terraform.io"
    aws = provider(mirror, "aws")
    monkeypatch.setattr(providers, "mirrors", lambda: (mirror,))
    ours = tmp_path / "ours"
    configuration = providers.write_offline_configuration("registry.example", ours)
    assert configuration is not None
    assert f'path = "{ours / "mirror"}"' in configuration.read_text()
    assert "direct" not in configuration.read_text()
    linked = ours / "mirror" / "registry.example" / aws.relative_to(mirror)
    assert linked.resolve() == aws
    (standin,) = (ours / "mirror").rglob("terraform-provider-random_*")
    assert "random_standin.py" in standin.read_text()
    provider(mirror, "random")
    providers.write_offline_configuration("registry.example", ours)
    (real,) = (ours / "mirror").rglob("hashicorp/random/*/*/terraform-provider-random_*")
    assert real.name.endswith("9.9.9")


def test_without_an_aws_provider_there_is_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "mirrors", lambda: ())
    assert providers.write_offline_configuration("registry.example", tmp_path) is None


def test_a_configuration_of_ones_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.tfrc"
    own.write_text("provider_installation {\n  direct {}\n}\n")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert providers.user_configuration() == own
    own.write_text("disable_checkpoint = true\n")
    assert providers.user_configuration() is None


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "45 66"])
def test_a_port_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LOCAL_PORT", value)
    with pytest.raises(ToolError, match=f"LOCAL_PORT: received '{value}'; accepted"):
        _port()


def test_a_tool_ends_with_one_message_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise ToolError("field: received this; accepted: that")

    with pytest.raises(SystemExit) as ended:
        run(fails)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: field: received this; accepted: that\n"


def test_progress_counts_what_terraform_says_is_done() -> None:
    progress = Progress()
    assert progress.told(5) == "0:05  preparing"
    for line in (
        "Plan: 2 to add, 1 to change, 0 to destroy.",
        "tap  aws_vpc.one: Creating...",
        "tap  aws_rds_cluster.two: Still creating... [10s elapsed]",
        "tap  aws_vpc.one: Creation complete after 3s [id=vpc]",
    ):
        progress.read(line)
    assert progress.told(75) == "1:15  1 of 3 resources  waiting for rds_cluster"


def test_progress_of_stacks_side_by_side_is_told_apart() -> None:
    progress = Progress()
    for line in (
        "tap  Plan: 2 to add, 0 to change, 0 to destroy.",
        "web  Plan: 3 to add, 0 to change, 1 to destroy.",
        # Said again, it is the same plan.
        "web  Plan: 3 to add, 0 to change, 1 to destroy.",
        "tap  aws_vpc.Network: Creating...",
        "web  aws_vpc.Network: Creating...",
        "2 Stacks deploying     0 Stacks done     0 Stacks waiting",
        "tap  aws_subnet.Network: Creating...",
        # Lines of one piece: the first alone names the stack.
        "     aws_subnet.Network: Creation complete after 3s [id=subnet]",
        "     aws_vpc.Network: Creation complete after 3s [id=vpc]",
    ):
        progress.read(line)
    assert progress.told(3) == "0:03  2 of 6 resources  waiting for vpc"
    progress.read("web  aws_vpc.Network: Creation complete after 4s [id=vpc]")
    assert progress.told(4) == "0:04  3 of 6 resources"


STACK = {
    "//": {"metadata": {"stackName": "tap"}},
    "resource": {
        "aws_s3_bucket": {
            "Data": {
                "//": {"suppressions": {"CKV_AWS_18": "a reason", "CKV_AWS_21": " ", "own": "x"}}
            },
            "Other": {"//": {"suppressions": {"CKV_AWS_99": "never needed"}}},
        }
    },
}


def test_checkovs_names_become_addresses() -> None:
    assert checkov.address(STACK, "resource.Data") == "aws_s3_bucket.Data"
    assert checkov.address(STACK, "aws_s3_bucket.Data") == "aws_s3_bucket.Data"
    assert checkov.address(STACK, "resource.Unknown") == "resource.Unknown"


def test_waivers_are_held_to_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [
        checkov.Failure("tap", "aws_s3_bucket.Data", check, "title", "resource.Data")
        for check in ("CKV_AWS_18", "CKV_AWS_21", "CKV_AWS_145")
    ]
    monkeypatch.setattr(checkov, "failures", lambda _folder: (failed, 7))
    template = Template(STACK, load_settings(placeholder_variables(), tmp_path))
    problems, suppressed, passed = checkov.judge(tmp_path, [template])
    assert [(one.path, one.address, one.rule, one.fault) for one in problems] == [
        ("tap/Data", "aws_s3_bucket.Data", "CKV_AWS_145", "checkov finds that it fails"),
        (
            *("tap/Other", "aws_s3_bucket.Other", "suppressions_have_reasons"),
            "suppresses CKV_AWS_99, which does not fail there",
        ),
    ]
    assert [one.check for one in suppressed] == ["CKV_AWS_18", "CKV_AWS_21"]
    assert passed == 7


def test_every_stack_is_checked() -> None:
    assert set(checkov.stack_names()) == {"tap", "state", "bastion", "web"}


@pytest.mark.parametrize("stack", ["tap", "state", "bastion", "web"])
def test_each_stack_alone_gets_what_it_cannot_be_without(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    monkeypatch.setenv("STACKS", stack)
    monkeypatch.setenv("TAP_WEB_DOMAIN_NAME", "shop.example.com")
    # Set to nothing is not set, as it is for main.py.
    monkeypatch.setenv("TAP_BASTION_PUBLIC_KEY", "")

    def run_main(_command: object, *, env: dict[str, str], **_: object) -> object:
        given.update(env)
        return subprocess.CompletedProcess((), 0)

    monkeypatch.setattr(checkov.subprocess, "run", run_main)
    checkov.synthesize(tmp_path)
    settings = load_settings(given, tmp_path)
    assert settings.stacks == (stack,)
    assert settings.web.domain_name == "shop.example.com"


class Route53:
    """Route 53 with one zone, and in it whatever records remain."""

    def __init__(self, *left: str) -> None:
        self.zones: list[str] = []
        self.records = [{"Type": kind, "Name": "app.example.test."} for kind in ("NS", *left)]

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


def made_up(emulator: Route53, stacks: list[str], **environment: str) -> LocalPlaceholders:
    return LocalPlaceholders(emulator, stacks, environment)  # type: ignore[arg-type]


def test_a_trial_makes_up_what_stacks_cannot_be_without(tmp_path: Path) -> None:
    route53 = Route53()
    with made_up(route53, ["tap", "bastion", "web"]) as trial:
        settings = load_settings(
            {"STACKS": "tap,bastion,web", "TERRAFORM_STATE_BUCKET": "states", **trial.variables},
            tmp_path,
        )
        assert route53.zones == ["example.test"]
    assert settings.web.hosted_zone_id == "Z01"
    assert settings.web.domain_name == "app.example.test"
    assert [line.partition(":")[0] for line in trial.messages] == ["bastion", "web"]
    assert route53.zones == []


def test_a_trial_takes_what_it_is_given() -> None:
    route53 = Route53()
    given = {"TAP_BASTION_PUBLIC_KEY": "mine", "TAP_WEB_CERTIFICATE_ARN": "mine"}
    assert made_up(route53, ["bastion", "web"], **given).variables == {}
    assert made_up(route53, ["tap"]).variables == {}
    assert route53.zones == []
    nothing = made_up(route53, ["bastion"], TAP_BASTION_PUBLIC_KEY="")
    assert {*nothing.variables} == {"TAP_BASTION_PUBLIC_KEY"}


def test_made_up_keys_are_no_two_the_same() -> None:
    assert public_key() != public_key()


def test_a_record_left_in_the_zone_is_told() -> None:
    with (
        pytest.raises(ToolError, match=r"example\.test: records remain: A app\.example\.test\."),
        hosted_zone(Route53("A")),  # type: ignore[arg-type]
    ):
        pass


def test_another_terminal_learns_the_settings_of_a_local_deployment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "ROOT", tmp_path)
    monkeypatch.setattr(terraform, "whole_environment", dict)
    key = {"TAP_BASTION_PUBLIC_KEY": "ssh-ed25519 AAAA it's mine"}
    emulator = Emulator()
    emulator.port = 4599
    deployment = LocalDeployment(emulator, ["tap", "bastion"], tmp_path, key)
    told = _how_to_use(deployment)
    assert ". environment.sh " in told
    assert "incoming/" in told
    names = [*key, "STACKS", "TERRAFORM_STATE_BUCKET", "AWS_ENDPOINT_URL"]
    lines = "; ".join(f'echo "${name}"' for name in names)
    said = subprocess.run(
        ["sh", "-c", f". ./environment.sh; {lines}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = [*key.values(), "tap,bastion", "terraform-state-local", "http://127.0.0.1:4599"]
    assert said == expected
