"""The bastion: access, egress, user data and logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.first_boot import FirstBoot, first_boot
from tests.support.synthesis import PLACEHOLDERS, Synthesizer
from tests.support.template import Resource, Template, some

GROUP = "Bastion/SecurityGroup"
SSHD_CONFIG = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nLogLevel INFO\n"
# Configuration files of the packages that the user data changes.
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
    """Protocol, ports and peer of the ingress or egress rules of a security group."""
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


def test_instance_is_in_the_first_public_subnet(bastion: Template, instance: Resource) -> None:
    subnet = bastion.get("aws_subnet", "Network/PublicSubnet1")
    assert instance["subnet_id"] == subnet.ref("id")
    assert instance["associate_public_ip_address"] is True
    assert instance["vpc_security_group_ids"] == [
        bastion.get("aws_security_group", GROUP).ref("id")
    ]
    assert {*instance.suppressions} == {"no_public_access", "CKV_AWS_88"}


def test_instance_type_is_configurable(synth: Synthesizer, instance: Resource) -> None:
    assert instance["instance_type"] == "t3.micro"
    chosen = synth("bastion", TAP_BASTION_INSTANCE_TYPE="t3.small").get("aws_instance")
    assert chosen["instance_type"] == "t3.small"


def test_instance_requires_imdsv2_with_one_hop(instance: Resource) -> None:
    assert instance["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_volume_is_encrypted_and_deleted_with_the_instance(
    bastion: Template, instance: Resource
) -> None:
    assert instance["root_block_device"] == {
        "volume_type": "gp3",
        "encrypted": True,
        "kms_key_id": bastion.get("aws_kms_key").ref("arn"),
        "delete_on_termination": True,
        "tags": {"Name": "bastion-host-volume-unit"},
    }
    assert (instance["monitoring"], instance["ebs_optimized"]) == (True, True)


def test_key_policy_allows_ec2_use_and_grants(bastion: Template) -> None:
    statements = bastion.get("aws_kms_key").statements()
    for sid in ("AllowUseViaServices", "AllowGrantsForServices"):
        via = statements[sid]["Condition"]["StringEquals"]["kms:ViaService"]
        assert "ec2.us-west-2.amazonaws.com" in via


@pytest.mark.parametrize(("release", "name"), [("2", "/amzn2-"), ("2023", "/al2023-")])
def test_newer_image_does_not_replace_the_instance(
    release: str, name: str, synth: Synthesizer
) -> None:
    template = synth("bastion", TAP_BASTION_AMAZON_LINUX=release)
    image = template.data("aws_ssm_parameter", "Bastion/Image")
    assert name in image["name"]
    instance = template.get("aws_instance")
    assert instance["ami"] == image.ref("insecure_value")
    assert instance["lifecycle"] == {"ignore_changes": ["ami"]}
    assert instance["user_data_replace_on_change"] is True


def test_instance_depends_on_its_permissions_and_the_internet_gateway(
    bastion: Template, instance: Resource
) -> None:
    assert {*instance["depends_on"]} == {
        bastion.get("aws_iam_role_policy", "Bastion/Role/Policy").address,
        bastion.get("aws_iam_role_policy_attachment", "Bastion/Role/Region").address,
        bastion.get("aws_internet_gateway").address,
    }
    profile = bastion.get("aws_iam_instance_profile")
    assert instance["iam_instance_profile"] == profile.ref("name")


def test_instance_has_one_key_pair(bastion: Template, instance: Resource) -> None:
    pair = bastion.get("aws_key_pair")
    assert pair["public_key"] == PLACEHOLDERS["bastion"]["TAP_BASTION_PUBLIC_KEY"]
    assert pair["key_name"] == "bastion-key-pair-unit"
    assert instance["key_name"] == pair.ref("key_name")


def test_line_end_of_the_public_key_is_removed(synth: Synthesizer) -> None:
    key = PLACEHOLDERS["bastion"]["TAP_BASTION_PUBLIC_KEY"]
    template = synth("bastion", TAP_BASTION_PUBLIC_KEY=f"{key}\n")
    assert template.get("aws_key_pair")["public_key"] == key


def test_ssh_is_allowed_from_the_default_network(bastion: Template) -> None:
    assert rules(bastion, "ingress", GROUP) == {("tcp", 22, 22, "203.0.113.0/24")}


def test_ssh_is_allowed_from_each_configured_network(synth: Synthesizer) -> None:
    template = synth("bastion", TAP_BASTION_SSH_CIDRS="198.51.100.0/24,192.0.2.7/32")
    assert rules(template, "ingress", GROUP) == {
        ("tcp", 22, 22, "198.51.100.0/24"),
        ("tcp", 22, 22, "192.0.2.7/32"),
    }


def test_egress_is_ssh_to_private_subnets_and_http_to_the_internet(bastion: Template) -> None:
    assert rules(bastion, "egress", GROUP) == {
        ("tcp", 22, 22, "10.0.10.0/24"),
        ("tcp", 22, 22, "10.0.11.0/24"),
        ("tcp", 80, 80, "0.0.0.0/0"),
        ("tcp", 443, 443, "0.0.0.0/0"),
    }


def test_without_ssh_there_is_no_ingress_and_no_key_pair(
    synth: Synthesizer, tmp_path: Path
) -> None:
    # The settings contain a public key as well, which is not used.
    template = synth("bastion", TAP_BASTION_SSH="false")
    assert rules(template, "ingress", GROUP) == set()
    template.assert_none("aws_key_pair")
    instance = template.get("aws_instance")
    assert "key_name" not in instance.body
    assert "systemctl disable --now sshd" in boot(instance, tmp_path / "root").calls


def boot(instance: Resource, root: Path, **failures: int) -> FirstBoot:
    return first_boot(instance["user_data"], root, files=FILES, failures=failures)


@pytest.mark.parametrize("release", ["2", "2023"])
def test_logins_and_user_data_are_logged(release: str, synth: Synthesizer, tmp_path: Path) -> None:
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
    """The effective options: sshd uses the first value of an option."""
    values: dict[str, str] = {}
    for line in config.splitlines():
        name, _, value = line.partition(" ")
        values.setdefault(name, value)
    return values


def test_sshd_is_hardened_and_its_configuration_is_tested(
    instance: Resource, tmp_path: Path
) -> None:
    done = boot(instance, tmp_path / "root")
    config = done.file("/etc/ssh/sshd_config")
    assert config.endswith(SSHD_CONFIG)
    effective = first_values(config)
    assert {
        "PermitRootLogin": "no",
        "PasswordAuthentication": "no",
        "ChallengeResponseAuthentication": "no",
        "LogLevel": "VERBOSE",
    }.items() <= effective.items()
    assert effective.get("AllowTcpForwarding", "yes") == "yes"
    tested, restarted = (
        [call.startswith(start) for call in done.calls].index(True)
        for start in ("sshd -t -f", "systemctl restart sshd")
    )
    assert tested < restarted


def test_configuration_that_sshd_rejects_is_not_used(instance: Resource, tmp_path: Path) -> None:
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


@pytest.mark.parametrize(("release", "update", "timer", "files"), UPDATES)
def test_updates_are_installed_now_and_daily(
    release: str,
    update: str,
    timer: str,
    files: dict[str, str],
    synth: Synthesizer,
    tmp_path: Path,
) -> None:
    instance = synth("bastion", TAP_BASTION_AMAZON_LINUX=release).get("aws_instance")
    done = boot(instance, tmp_path / "root")
    assert update in done.calls
    assert done.calls[-1] == timer
    assert {path: done.file(path) for path in files} == files


def test_user_data_is_smaller_than_16_kib(instance: Resource) -> None:
    assert len(instance["user_data"].encode()) < 16 * 1024
