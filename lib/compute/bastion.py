"""The bastion: the one way into a network whose other instances have no public address."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.instance import (
    Instance,
    InstanceMetadataOptions,
    InstanceRootBlockDevice,
)
from cdktf_cdktf_provider_aws.key_pair import KeyPair
from constructs import Construct

from lib.compute.instances import InstanceRole, newest_image, user_data
from lib.context import Foundation
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SSH, SecurityGroup
from lib.settings.sections import BastionSettings
from lib.suppressions import suppress

# Everything now, and what is about security every day from now on.
UPDATES = {
    "2": (
        "retry yum update -y",
        "retry yum install -y yum-cron",
        "sed -i 's/^update_cmd = .*/update_cmd = security/;s/^apply_updates = .*/apply_updates"
        " = yes/' /etc/yum/yum-cron.conf",
        "systemctl enable --now yum-cron",
    ),
    # Amazon Linux 2023 stays at its image's version until it is told to follow the newest.
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
# sshd takes the first value it reads, so these stand before its own; Amazon Linux 2 has no folder
# for them. TCP forwarding stays on: it is how clients pass through (`ssh -J`) without leaving their
# keys' agent here. VERBOSE says which key logged in.
SSH_SERVER = (
    "cat > /etc/ssh/sshd_config.new <<'SSHD'",
    *("PermitRootLogin no", "PasswordAuthentication no", "ChallengeResponseAuthentication no"),
    *("PermitEmptyPasswords no", "AllowAgentForwarding no", "X11Forwarding no"),
    *("MaxAuthTries 4", "LoginGraceTime 30", "ClientAliveInterval 300", "ClientAliveCountMax 2"),
    "LogLevel VERBOSE",
    "SSHD",
    "cat /etc/ssh/sshd_config >> /etc/ssh/sshd_config.new",
    # Settings that sshd refuses would lock everybody out.
    "sshd -t -f /etc/ssh/sshd_config.new",
    "cat /etc/ssh/sshd_config.new > /etc/ssh/sshd_config",
    "rm /etc/ssh/sshd_config.new",
    "systemctl restart sshd",
)
NO_SSH_SERVER = ("systemctl disable --now sshd",)


class Bastion(Construct):
    """Creates an instance in the first public subnet, its security group, role and log groups.

    Guarantee: SSH comes in from the networks of the settings alone, by one key, and goes out to the
    private subnets alone; with `ssh` off nothing comes in and no key exists. Session Manager leads
    in either way. Who logged in, and how the instance set itself up, is kept in log groups.

    The image is the newest of its release when the instance is made, and stays: a new one appears
    every few weeks and would replace the bastion in a plan about something else. The instance
    installs security updates by itself; `terraform apply -replace` of it takes the newest image.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        bastion: BastionSettings,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._bastion = foundation.settings, bastion
        self.security_group = self._build_security_group(network)
        self.logins = LogGroup(
            self, "Logins", foundation=foundation, path="/bastion", kind="logins"
        )
        self.setup = LogGroup(self, "Setup", foundation=foundation, path="/bastion", kind="setup")
        self.role = InstanceRole(
            self,
            "Role",
            foundation=foundation,
            kind="host-role",
            description="What the bastion may do: offer sessions, write its logs",
            log_groups=(self.logins, self.setup),
        )
        gateway = network.internet_gateway
        self.instance = Instance(
            self,
            "Resource",
            ami=newest_image(self, "Image", bastion.amazon_linux),
            instance_type=bastion.instance_type,
            subnet_id=network.public_subnets[0].id,
            associate_public_ip_address=True,
            vpc_security_group_ids=[self.security_group.id],
            iam_instance_profile=self.role.profile.name,
            # IMDSv2 alone, whose answers go no further than the instance itself.
            metadata_options=InstanceMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            monitoring=True,
            ebs_optimized=True,
            root_block_device=InstanceRootBlockDevice(
                volume_type="gp3",
                encrypted=True,
                kms_key_id=foundation.key.arn,
                delete_on_termination=True,
                tags=self._settings.name_tag("host-volume"),
            ),
            user_data=self._user_data(),
            # It is read once, when the instance first starts.
            user_data_replace_on_change=True,
            tags=self._settings.name_tag("host"),
            lifecycle=TerraformResourceLifecycle(ignore_changes=["ami"]),
            # The gateway cannot leave the VPC while there is a public address in it.
            depends_on=[*self.role.permissions, *([gateway] if gateway else [])],
        )
        if bastion.ssh and bastion.public_key:
            self.instance.key_name = KeyPair(
                self,
                "KeyPair",
                key_name=self._settings.name("key-pair"),
                public_key=bastion.public_key.strip(),
                tags=self._settings.name_tag("key-pair"),
            ).key_name
        reason = "A bastion is reached from the internet; its security group says from where"
        suppress(
            self.instance,
            since="2026-11",
            reasons={"no_public_access": reason, "CKV_AWS_88": reason},
        )
        self.public_ip = self.instance.public_ip

    def _build_security_group(self, network: Network) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=self._settings,
            vpc=network.vpc,
            kind="host-security-group",
            purpose="The bastion",
        )
        if self._bastion.ssh:
            for cidr in self._bastion.ssh_cidrs:
                group.allow_from_network(cidr, SSH, "SSH from where it is allowed")
        for cidr in self._bastion.subnets("private"):
            group.allow_to_network(cidr, SSH, "SSH to the private instances")
        group.allow_to_internet(HTTP, "Packages")
        group.allow_to_internet(HTTPS, "Packages, Session Manager and CloudWatch Logs")
        return group

    def _user_data(self) -> str:
        release = self._bastion.amazon_linux
        return user_data(
            release=release,
            setup=(
                *(SSH_SERVER if self._bastion.ssh else NO_SSH_SERVER),
                *UPDATES[release],
            ),
            logs={
                "/var/log/secure": self.logins,
                # Session Manager's sessions pass by sshd.
                "/var/log/amazon/ssm/amazon-ssm-agent.log": self.logins,
                "/var/log/cloud-init-output.log": self.setup,
            },
        )
