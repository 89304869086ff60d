"""BastionStack: a production network with a bastion."""

from __future__ import annotations

from cdktf import TerraformStack
from constructs import Construct

from lib.compute.bastion import Bastion, BastionConfig
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SSH, SecurityGroup
from lib.settings import Settings
from lib.stacks import STACKS
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress
from lib.system import create_context, network_config
from lib.terraform import declare_outputs


class BastionStack(TerraformStack):
    """Composes network, bastion, the security group of private instances and buckets."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._context = create_context(
            self, settings=settings, spec=STACKS["bastion"], region=settings.bastion.region
        )
        network = Network(
            self, "Network", context=self._context, config=network_config(settings.bastion)
        )
        bastion = Bastion(
            self,
            "Bastion",
            context=self._context,
            network=network,
            config=_bastion_config(settings),
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
            "availability_zones": list(network.availability_zones),
            "nat_gateway_ids": [gateway.id for gateway in network.nat_gateways],
            "bastion_host_public_ip": bastion.public_ip,
            "bastion_security_group_id": bastion.security_group.id,
            "private_security_group_id": private.id,
            "logs_bucket_name": logs.name,
            "backup_bucket_name": backups.name,
        }
        if network.internet_gateway:
            outputs["internet_gateway_id"] = network.internet_gateway.id
        declare_outputs(self, outputs)

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
    )
