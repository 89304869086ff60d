"""A production network behind a bastion as one unit of deployment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from lib.compute.bastion import Bastion
from lib.context import Foundation
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SSH, SecurityGroup
from lib.settings import BASTION, Settings
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress


class BastionStack(TerraformStack):
    """Wires network, bastion, the private instances' security group and buckets."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self._bastion = settings.bastion
        self._foundation = Foundation.build(
            self,
            settings=settings.for_system(BASTION, settings.bastion.region),
            key_used_through=("s3", "ec2"),
            key_kept_by=("ec2",),
        )
        network = Network(self, "Network", foundation=self._foundation, plan=settings.bastion)
        bastion = Bastion(
            self,
            "Bastion",
            foundation=self._foundation,
            network=network,
            bastion=settings.bastion,
        )
        private = self._build_private_security_group(network, bastion)
        logs = self._build_bucket("Logs", days=settings.storage.log_expiration_days)
        backups = self._build_bucket("Backups", days=settings.bastion.backup_expiration_days)
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
        for name, value in outputs.items():
            TerraformOutput(self, name, value=value)

    def _build_private_security_group(self, network: Network, bastion: Bastion) -> SecurityGroup:
        """The group that instances in the private subnets are to be started with."""
        group = SecurityGroup(
            self,
            "PrivateSecurityGroup",
            settings=self._foundation.settings,
            vpc=network.vpc,
            kind="private-security-group",
            purpose="Instances in the private subnets",
        )
        suppress(
            group.group,
            since="2026-11",
            reasons={"CKV2_AWS_5": "For instances that are started later, by others"},
        )
        group.allow_from_group(bastion.security_group, SSH, "SSH from the bastion")
        for port, name in ((HTTP, "HTTP"), (HTTPS, "HTTPS")):
            group.allow_from_network(self._bastion.cidr, port, f"{name} from within the VPC")
            group.allow_to_internet(port, f"{name} through NAT")
        return group

    def _build_bucket(self, id_: str, *, days: int) -> SecureBucket:
        foundation, storage = self._foundation, self._foundation.settings.storage
        early = storage.infrequent_access_days
        return SecureBucket(
            self,
            id_,
            settings=foundation.settings,
            account=foundation.account,
            kind=id_.lower(),
            key=foundation.key,
            access_logs=foundation.access_logs,
            retention=Retention(
                expiration_days=days,
                # S3 refuses to move objects on the day they expire, or later.
                infrequent_access_days=early if early < days else None,
                noncurrent_version_days=storage.noncurrent_version_days,
            ),
        )
