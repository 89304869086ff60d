"""Bastion hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.instance import (
    Instance,
    InstanceMetadataOptions,
    InstanceRootBlockDevice,
)
from cdktf_cdktf_provider_aws.key_pair import KeyPair
from constructs import Construct

from lib.compute.instances import InstanceRole, newest_image, user_data
from lib.context import Context
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SSH, SecurityGroup
from lib.suppressions import suppress

# All updates now, and security updates every day.
UPDATES = {
    "2": (
        "retry yum update -y",
        "retry yum install -y yum-cron",
        "sed -i 's/^update_cmd = .*/update_cmd = security/;s/^apply_updates = .*/apply_updates"
        " = yes/' /etc/yum/yum-cron.conf",
        "systemctl enable --now yum-cron",
    ),
    # Amazon Linux 2023 is locked to the version of its image unless `releasever` is `latest`.
    # https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades-usage.html
    "2023": (
        "echo latest > /etc/dnf/vars/releasever",
        "retry dnf upgrade -y",
        "retry dnf install -y dnf-automatic",
        "sed -i 's/^upgrade_type = .*/upgrade_type = security/;s/^apply_updates = .*/apply_updates"
        " = yes/' /etc/dnf/automatic.conf",
        "systemctl enable --now dnf-automatic.timer",
    ),
}
# sshd uses the first value of an option, so these lines precede its own configuration; Amazon
# Linux 2 has no sshd_config.d. `ssh -J` requires TCP forwarding, and no agent on the bastion.
# VERBOSE logs the key of every login.
SSH_SERVER = (
    "cat > /etc/ssh/sshd_config.new <<'SSHD'",
    *("PermitRootLogin no", "PasswordAuthentication no", "ChallengeResponseAuthentication no"),
    *("PermitEmptyPasswords no", "AllowAgentForwarding no", "X11Forwarding no"),
    *("MaxAuthTries 4", "LoginGraceTime 30", "ClientAliveInterval 300", "ClientAliveCountMax 2"),
    "LogLevel VERBOSE",
    "SSHD",
    "cat /etc/ssh/sshd_config >> /etc/ssh/sshd_config.new",
    # A configuration that sshd rejects prevents every login.
    "sshd -t -f /etc/ssh/sshd_config.new",
    "cat /etc/ssh/sshd_config.new > /etc/ssh/sshd_config",
    "rm /etc/ssh/sshd_config.new",
    "systemctl restart sshd",
)
NO_SSH_SERVER = ("systemctl disable --now sshd",)


@dataclass(frozen=True, kw_only=True)
class BastionConfig:
    """Configuration of a bastion: `amazon_linux` is the release, 2 or 2023.

    `ssh_cidrs` are the source networks of SSH, `private_cidrs` the networks it may connect to. With
    `ssh=False` only Session Manager gives access. `public_key` is an OpenSSH public key.
    """

    amazon_linux: str = "2023"
    instance_type: str = "t3.micro"
    ssh: bool = True
    ssh_cidrs: Sequence[str] = ()
    private_cidrs: Sequence[str] = ()
    public_key: str | None = None


class Bastion(Construct):
    """Creates an instance in the first public subnet, its security group, role and log groups.

    Guarantee: SSH is allowed from `ssh_cidrs` with one key, and to `private_cidrs`. With
    `ssh=False` there is no ingress and no key pair. Session Manager gives access in both cases.
    Logins and the output of the user data are sent to log groups.

    The image is the newest of its release when the instance is created; a newer image does not
    replace the instance, because one is published every few weeks. The instance installs security
    updates itself; `terraform apply -replace` uses the newest image.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        config: BastionConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config = context, config
        context.key.allow_via_service("ec2", create_grants=True)
        self.security_group = self._create_security_group(network)
        self.logins = LogGroup(self, "Logins", context=context, path="/bastion", kind="logins")
        self.setup = LogGroup(self, "Setup", context=context, path="/bastion", kind="setup")
        self.role = InstanceRole(
            self,
            "Role",
            context=context,
            kind="host-role",
            description="What the bastion may do: offer sessions, write its logs",
            log_groups=(self.logins, self.setup),
        )
        gateway = network.internet_gateway
        self.instance = Instance(
            self,
            "Resource",
            ami=newest_image(self, "Image", config.amazon_linux),
            instance_type=config.instance_type,
            subnet_id=network.public_subnets[0].id,
            associate_public_ip_address=True,
            vpc_security_group_ids=[self.security_group.id],
            iam_instance_profile=self.role.profile.name,
            # IMDSv2 only; responses do not leave the instance.
            metadata_options=InstanceMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            monitoring=True,
            ebs_optimized=True,
            root_block_device=InstanceRootBlockDevice(
                volume_type="gp3",
                encrypted=True,
                kms_key_id=context.key.arn,
                delete_on_termination=True,
                tags=self._context.name_tag("host-volume"),
            ),
            user_data=self._user_data(),
            # User data runs once, when the instance is created.
            user_data_replace_on_change=True,
            tags=self._context.name_tag("host"),
            lifecycle=TerraformResourceLifecycle(ignore_changes=["ami"]),
            # An internet gateway cannot be detached while the VPC has a public address.
            depends_on=[*self.role.permissions, *([gateway] if gateway else [])],
        )
        if config.ssh and config.public_key:
            self.instance.key_name = KeyPair(
                self,
                "KeyPair",
                key_name=self._context.name("key-pair"),
                public_key=config.public_key.strip(),
                tags=self._context.name_tag("key-pair"),
            ).key_name
        reason = "A bastion accepts SSH from the networks in its security group"
        suppress(
            self.instance,
            since="2026-11",
            reasons={"no_public_access": reason, "CKV_AWS_88": reason},
        )
        self.public_ip = self.instance.public_ip

    def _create_security_group(self, network: Network) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            context=self._context,
            vpc=network.vpc,
            kind="host-security-group",
            purpose="The bastion",
        )
        if self._config.ssh:
            for cidr in self._config.ssh_cidrs:
                group.allow_from_network(cidr, SSH, "SSH from where it is allowed")
        for cidr in self._config.private_cidrs:
            group.allow_to_network(cidr, SSH, "SSH to the private instances")
        group.allow_to_internet(HTTP, "Packages")
        group.allow_to_internet(HTTPS, "Packages, Session Manager and CloudWatch Logs")
        return group

    def _user_data(self) -> str:
        release = self._config.amazon_linux
        return user_data(
            release=release,
            setup=(
                *(SSH_SERVER if self._config.ssh else NO_SSH_SERVER),
                *UPDATES[release],
            ),
            logs={
                "/var/log/secure": self.logins,
                # Session Manager sessions do not use sshd.
                "/var/log/amazon/ssm/amazon-ssm-agent.log": self.logins,
                "/var/log/cloud-init-output.log": self.setup,
            },
        )
