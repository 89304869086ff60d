"""The bastion: who gets in, how far from there, and what is kept about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.first_boot import FirstBoot, first_boot
from tests.support.synthesis import PLACEHOLDERS, Synthesizer
from tests.support.template import Resource, Template, some

GROUP = "Bastion/SecurityGroup"
SSHD_CONFIG = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nLogLevel INFO\n"
# Every setting that the packages install, as far as the script changes it.
FILES = {
    "/etc/ssh/sshd_config": SSHD_CONFIG,
    "/etc/yum/yum-cron.conf": "[commands]\nupdate_cmd = default\napply_updates = no\n",
    "/etc/dnf/automatic.conf": "[commands]\nupgrade_type = default\napply_updates = no\n",
    "/etc/dnf/vars/awsregion": "us-west-2\n",
}


@pytest.fixture(scope="module")
def bastion(synth: Synthesizer) -> Template:
    return synth("bastion")


@pytest.fixture(scope="module")
def instance(bastion: Template) -> Resource:
    return bastion.get("aws_instance", "Bastion")


def rules(template: Template, type_: str, path: str) -> set[tuple[str, int, int, str]]:
    group = template.get("aws_security_group", path).ref("id")
    return {
        (
            rule["ip_protocol"],
            rule["from_port"],
            rule["to_port"],
            rule.get("cidr_ipv4") or rule["referenced_security_group_id"],
        )
        for rule in some(template, f"aws_vpc_security_group_{type_}_rule")
        if rule["security_group_id"] == group
    }


def test_it_stands_in_the_first_public_subnet(bastion: Template, instance: Resource) -> None:
    subnet = bastion.get("aws_subnet", "Network/PublicSubnet1")
    assert instance["subnet_id"] == subnet.ref("id")
    assert instance["associate_public_ip_address"] is True
    assert instance["vpc_security_group_ids"] == [
        bastion.get("aws_security_group", GROUP).ref("id")
    ]
    assert {*instance.suppressions} == {"no_public_access", "CKV_AWS_88"}


def test_it_is_of_the_type_that_was_chosen(synth: Synthesizer, instance: Resource) -> None:
    assert instance["instance_type"] == "t3.micro"
    chosen = synth("bastion", TAP_BASTION_INSTANCE_TYPE="t3.small").get("aws_instance")
    assert chosen["instance_type"] == "t3.small"


def test_it_answers_imdsv2_only_and_only_itself(instance: Resource) -> None:
    assert instance["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_its_volume_is_encrypted_and_goes_with_it(bastion: Template, instance: Resource) -> None:
    assert instance["root_block_device"] == {
        "volume_type": "gp3",
        "encrypted": True,
        "kms_key_id": bastion.get("aws_kms_key").ref("arn"),
        "delete_on_termination": True,
        "tags": {"Name": "bastion-host-volume-unit"},
    }
    assert (instance["monitoring"], instance["ebs_optimized"]) == (True, True)


def test_ec2_may_use_the_key_and_keep_it(bastion: Template) -> None:
    statements = bastion.get("aws_kms_key").statements()
    for sid in ("AllowUseViaServices", "AllowGrantsForServices"):
        via = statements[sid]["Condition"]["StringEquals"]["kms:ViaService"]
        assert "ec2.us-west-2.amazonaws.com" in via


@pytest.mark.parametrize(("release", "name"), [("2", "/amzn2-"), ("2023", "/al2023-")])
def test_image_is_the_newest_when_it_is_made(release: str, name: str, synth: Synthesizer) -> None:
    template = synth("bastion", TAP_BASTION_AMAZON_LINUX=release)
    image = template.data("aws_ssm_parameter", "Bastion/Image")
    assert name in image["name"]
    instance = template.get("aws_instance")
    assert instance["ami"] == image.ref("insecure_value")
    # A newer one must not replace the bastion in a plan about something else.
    assert instance["lifecycle"] == {"ignore_changes": ["ami"]}
    assert instance["user_data_replace_on_change"] is True


def test_instance_waits_for_its_rights_and_the_gateway(
    bastion: Template, instance: Resource
) -> None:
    assert {*instance["depends_on"]} == {
        bastion.get("aws_iam_role_policy", "Bastion/Role/Policy").address,
        bastion.get("aws_iam_role_policy_attachment", "Bastion/Role/Region").address,
        bastion.get("aws_internet_gateway").address,
    }
    profile = bastion.get("aws_iam_instance_profile")
    assert instance["iam_instance_profile"] == profile.ref("name")


def test_one_key_opens_it(bastion: Template, instance: Resource) -> None:
    pair = bastion.get("aws_key_pair")
    assert pair["public_key"] == PLACEHOLDERS["bastion"]["TAP_BASTION_PUBLIC_KEY"]
    assert pair["key_name"] == "bastion-key-pair-unit"
    assert instance["key_name"] == pair.ref("key_name")


def test_a_key_pasted_with_its_line_end_is_the_same_key(synth: Synthesizer) -> None:
    key = PLACEHOLDERS["bastion"]["TAP_BASTION_PUBLIC_KEY"]
    template = synth("bastion", TAP_BASTION_PUBLIC_KEY=f"{key}\n")
    assert template.get("aws_key_pair")["public_key"] == key


def test_ssh_comes_in_from_the_office_only(bastion: Template) -> None:
    assert rules(bastion, "ingress", GROUP) == {("tcp", 22, 22, "203.0.113.0/24")}


def test_ssh_comes_in_from_each_network_of_the_settings(synth: Synthesizer) -> None:
    template = synth("bastion", TAP_BASTION_SSH_CIDRS="198.51.100.0/24,192.0.2.7/32")
    assert rules(template, "ingress", GROUP) == {
        ("tcp", 22, 22, "198.51.100.0/24"),
        ("tcp", 22, 22, "192.0.2.7/32"),
    }


def test_it_goes_out_to_the_private_subnets_and_for_packages(bastion: Template) -> None:
    assert rules(bastion, "egress", GROUP) == {
        ("tcp", 22, 22, "10.0.10.0/24"),
        ("tcp", 22, 22, "10.0.11.0/24"),
        ("tcp", 80, 80, "0.0.0.0/0"),
        ("tcp", 443, 443, "0.0.0.0/0"),
    }


def test_without_ssh_nothing_comes_in(synth: Synthesizer, tmp_path: Path) -> None:
    # Also with a key at hand, which then opens nothing.
    template = synth("bastion", TAP_BASTION_SSH="false")
    assert rules(template, "ingress", GROUP) == set()
    template.assert_none("aws_key_pair")
    instance = template.get("aws_instance")
    assert "key_name" not in instance.body
    assert "systemctl disable --now sshd" in boot(instance, tmp_path / "root").calls


def boot(instance: Resource, root: Path, **failures: int) -> FirstBoot:
    return first_boot(instance["user_data"], root, files=FILES, failures=failures)


@pytest.mark.parametrize("release", ["2", "2023"])
def test_logins_and_set_up_are_logged(release: str, synth: Synthesizer, tmp_path: Path) -> None:
    template = synth("bastion", TAP_BASTION_AMAZON_LINUX=release)
    done = boot(template.get("aws_instance"), tmp_path / "root")
    assert (done.code, done.errors) == (0, "")
    logins, setup = (
        template.get("aws_cloudwatch_log_group", f"Bastion/{id_}") for id_ in ("Logins", "Setup")
    )
    assert {path: group for path, (group, _) in done.collected().items()} == {
        "/var/log/secure": logins.ref("name"),
        "/var/log/amazon/ssm/amazon-ssm-agent.log": logins.ref("name"),
        "/var/log/cloud-init-output.log": setup.ref("name"),
    }
    assert logins["name"] == "/bastion/bastion-logins-unit"
    assert logins["retention_in_days"] == setup["retention_in_days"] == 90
    write = template.get("aws_iam_role_policy", "Bastion/Role/Policy").statements()["WriteLogs"]
    assert write["Resource"] == [logins.ref("arn") + ":*", setup.ref("arn") + ":*"]


def first_values(config: str) -> dict[str, str]:
    """The settings in force: sshd takes the first value it meets."""
    values: dict[str, str] = {}
    for line in config.splitlines():
        name, _, value = line.partition(" ")
        values.setdefault(name, value)
    return values


def test_ssh_server_is_hardened(instance: Resource, tmp_path: Path) -> None:
    done = boot(instance, tmp_path / "root")
    config = done.file("/etc/ssh/sshd_config")
    assert config.endswith(SSHD_CONFIG)
    in_force = first_values(config)
    assert {
        "PermitRootLogin": "no",
        "PasswordAuthentication": "no",
        "ChallengeResponseAuthentication": "no",
        "LogLevel": "VERBOSE",
    }.items() <= in_force.items()
    assert in_force.get("AllowTcpForwarding", "yes") == "yes"
    tried, restarted = (
        [call.startswith(start) for call in done.calls].index(True)
        for start in ("sshd -t -f", "systemctl restart sshd")
    )
    assert tried < restarted


def test_settings_that_sshd_refuses_are_not_taken(instance: Resource, tmp_path: Path) -> None:
    done = boot(instance, tmp_path / "root", sshd=1)
    assert done.code == 1
    assert done.file("/etc/ssh/sshd_config") == SSHD_CONFIG
    assert "systemctl restart sshd" not in done.calls


UPDATES: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "2",
        "yum update -y",
        "systemctl enable --now yum-cron",
        {"/etc/yum/yum-cron.conf": "[commands]\nupdate_cmd = security\napply_updates = yes\n"},
    ),
    (
        "2023",
        "dnf upgrade -y",
        "systemctl enable --now dnf-automatic.timer",
        {
            "/etc/dnf/automatic.conf": "[commands]\nupgrade_type = security\napply_updates = yes\n",
            "/etc/dnf/vars/releasever": "latest\n",
        },
    ),
]


@pytest.mark.parametrize(("release", "now", "later", "files"), UPDATES)
def test_it_is_updated_now_and_every_day(
    release: str,
    now: str,
    later: str,
    files: dict[str, str],
    synth: Synthesizer,
    tmp_path: Path,
) -> None:
    instance = synth("bastion", TAP_BASTION_AMAZON_LINUX=release).get("aws_instance")
    done = boot(instance, tmp_path / "root")
    assert now in done.calls
    assert done.calls[-1] == later
    assert {path: done.file(path) for path in files} == files


def test_user_data_fits_into_16_kib(instance: Resource) -> None:
    assert len(instance["user_data"].encode()) < 16 * 1024
