"""BastionStack: a production network with a bastion."""

from __future__ import annotations

from cdktf import TerraformStack
from constructs import Construct

from lib.compute.bastion import Bastion, BastionConfig
from lib.monitoring.bastion import BastionMonitoring, BastionMonitoringConfig
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SSH, SecurityGroup
from lib.settings import Settings
from lib.stacks import STACKS
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress
from lib.system import (
    alarm_receivers,
    create_context,
    create_deletion_role,
    network_config,
)
from lib.tags import tag_by_construct
from lib.terraform import declare_outputs

# The tag Component by construct, as the requirement of the production network names the groups.
COMPONENTS = {
    "Network": "Networking",
    "Bastion": "Compute",
    **dict.fromkeys(
        ("Key", "RegionRestriction", "PrivateSecurityGroup", "DeletionRole"), "Security"
    ),
    **dict.fromkeys(("AccessLogs", "Logs", "Backups"), "Storage"),
    "Monitoring": "Monitoring",
}


class BastionStack(TerraformStack):
    """Composes network, bastion, monitoring, the private instances' security group and buckets."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._context = create_context(
            self, settings=settings, spec=STACKS["bastion"], region=settings.bastion.region
        )
        ssh = settings.bastion.ssh_cidrs if settings.bastion.ssh else ()
        network = Network(
            self,
            "Network",
            context=self._context,
            config=network_config(
                settings.bastion,
                ingress={"public": [(SSH, cidr) for cidr in ssh]},
                # A requirement of the production network.
                assign_public_addresses=True,
            ),
        )
        bastion = Bastion(
            self,
            "Bastion",
            context=self._context,
            network=network,
            config=_bastion_config(settings),
        )
        monitoring = BastionMonitoring(
            self,
            "Monitoring",
            context=self._context,
            network=network,
            bastion=bastion,
            config=_monitoring_config(settings),
        )
        private = self._create_private_security_group(network, bastion)
        logs = self._create_bucket("Logs", days=settings.storage.log_expiration_days)
        backups = self._create_bucket("Backups", days=settings.bastion.backup_expiration_days)
        backups.require_mfa_for_deletion()

        outputs = {
            "vpc_id": network.vpc.id,
            "vpc_cidr_block": network.vpc.cidr_block,
            "public_subnet_ids": [subnet.id for subnet in network.public_subnets],
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "availability_zones": network.availability_zones,
            "nat_gateway_ids": [gateway.id for gateway in network.nat_gateways],
            "bastion_host_public_ip": bastion.public_ip,
            "bastion_security_group_id": bastion.security_group.id,
            "private_security_group_id": private.id,
            "logs_bucket_name": logs.name,
            "backup_bucket_name": backups.name,
            "session_document_name": bastion.sessions.document.name,
            "session_log_group_name": bastion.sessions.log_group.name,
            "alarm_topic_arn": monitoring.topic.arn,
        }
        if monitoring.audit_logs:
            outputs["audit_bucket_name"] = monitoring.audit_logs.name
        if network.internet_gateway:
            outputs["internet_gateway_id"] = network.internet_gateway.id
        if role := create_deletion_role(self, settings=settings, context=self._context):
            outputs["deletion_role_arn"] = role.arn
        declare_outputs(self, outputs)
        tag_by_construct(self, naming=self._context.naming, components=COMPONENTS)

    def _create_private_security_group(self, network: Network, bastion: Bastion) -> SecurityGroup:
        """Create the security group for instances in the private subnets."""
        group = SecurityGroup(
            self,
            "PrivateSecurityGroup",
            context=self._context,
            vpc=network.vpc,
            kind="private-security-group",
            purpose="Instances in the private subnets",
        )
        suppress(
            group.group,
            since="2026-11",
            reasons={"CKV2_AWS_5": "The group is for instances that another stack launches"},
        )
        group.allow_from_group(bastion.security_group, SSH, "SSH from the bastion")
        for port, name in ((HTTP, "HTTP"), (HTTPS, "HTTPS")):
            group.allow_from_network(
                self._settings.bastion.cidr, port, f"{name} from within the VPC"
            )
            group.allow_to_internet(port, f"{name} through NAT")
        return group

    def _create_bucket(self, id_: str, *, days: int) -> SecureBucket:
        storage = self._settings.storage
        transition = storage.infrequent_access_days
        return SecureBucket(
            self,
            id_,
            context=self._context,
            kind=id_.lower(),
            retention=Retention(
                expiration_days=days,
                # S3 rejects a transition on the day of the expiration or later.
                infrequent_access_days=transition if transition < days else None,
                noncurrent_version_days=storage.noncurrent_version_days,
            ),
        )


def _bastion_config(settings: Settings) -> BastionConfig:
    bastion = settings.bastion
    return BastionConfig(
        amazon_linux=bastion.amazon_linux,
        instance_type=bastion.instance_type,
        ssh=bastion.ssh,
        ssh_cidrs=bastion.ssh_cidrs,
        private_cidrs=bastion.subnets("private"),
        public_key=bastion.public_key,
        record_default_sessions=bastion.record_default_sessions,
    )


def _monitoring_config(settings: Settings) -> BastionMonitoringConfig:
    bastion, monitoring = settings.bastion, settings.monitoring
    # TapStack has the recorder of its own Region.
    elsewhere = monitoring.config_recorder and bastion.region != settings.aws_region
    return BastionMonitoringConfig(
        receivers=alarm_receivers(settings),
        login_alarm=bastion.login_alarm,
        regional=elsewhere if bastion.config_recorder is None else bastion.config_recorder,
        exclude_config_rules=monitoring.config_rules_off,
    )
