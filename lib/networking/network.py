"""VPCs with public, private and isolated subnets, endpoints and flow logs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.flow_log import FlowLog, FlowLogDestinationOptions
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Conditions, Statement, service
from lib.networking.security_group import ANY_IPV4, SecurityGroup
from lib.security.key import KEY_USE
from lib.security.policy_document import PolicyDocument
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

GATEWAY_SERVICES = ("s3",)
PUBLIC_SUBNET_REASON = "Resources in a public subnet are reachable by design"
Tier = Literal["public", "private", "isolated"]


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Addresses and zones of a `Network`.

    Each tier has one subnet in every zone, in the order of the zones, or no subnet. `endpoints` are
    AWS services: `s3` has a gateway endpoint, every other service an interface endpoint.
    `single_nat_gateway` shares one NAT gateway between all zones. VPC flow logs aggregate over 60
    or 600 seconds.
    """

    cidr: str
    availability_zones: Sequence[str]
    public_subnets: Sequence[str] = ()
    private_subnets: Sequence[str] = ()
    isolated_subnets: Sequence[str] = ()
    endpoints: Sequence[str] = ()
    single_nat_gateway: bool = False
    flow_log_interval_seconds: Literal[60, 600] = 60

    def __post_init__(self) -> None:
        for tier in ("public", "private", "isolated"):
            subnets = self.subnets(tier)
            if subnets and len(subnets) != len(self.availability_zones):
                raise ValueError(
                    f"{tier}_subnets: received {','.join(subnets)!r}; accepted:"
                    f" {len(self.availability_zones)} subnets, one for each availability zone."
                    " Correct the subnets or the zones."
                )

    def subnets(self, tier: Tier) -> Sequence[str]:
        """The CIDR blocks of the subnets of a tier."""
        return {
            "public": self.public_subnets,
            "private": self.private_subnets,
            "isolated": self.isolated_subnets,
        }[tier]


class Network(Construct):
    """Creates a VPC with one subnet per zone in each tier, its endpoints and its flow logs.

    Public subnets route to an internet gateway, private subnets to the NAT gateway of their zone if
    there are public subnets, isolated subnets to no gateway.

    Guarantee: no subnet has other routes than its tier. Endpoints allow only what `allow_through`
    adds, and no principals of other accounts. The default security group has no rules. All flows
    are logged to a bucket.
    """

    def __init__(
        self, scope: Construct, id_: str, *, context: Context, config: NetworkConfig
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config = context, config
        self.availability_zones = config.availability_zones
        self.vpc = Vpc(
            self,
            "Resource",
            cidr_block=config.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._context.name_tag("vpc"),
        )
        # The default security group of a VPC allows all traffic between members and all egress.
        DefaultSecurityGroup(
            self,
            "DefaultSecurityGroup",
            vpc_id=self.vpc.id,
            tags=self._context.name_tag("default-security-group"),
        )
        self._route_tables: dict[Tier, list[RouteTable]] = {}
        self.public_subnets = self._create_subnets("public")
        self.private_subnets = self._create_subnets("private")
        self.isolated_subnets = self._create_subnets("isolated")
        self.internet_gateway: InternetGateway | None = None
        self.nat_gateways: list[NatGateway] = []
        if self.public_subnets:
            self.internet_gateway = self._create_internet_gateway()
            self.nat_gateways = self._create_nat_gateways(self.internet_gateway)
        self._endpoint_policies: dict[str, PolicyDocument] = {}
        self._endpoints: dict[str, VpcEndpoint] = {}
        for name in config.endpoints:
            self._create_endpoint(name)
        self.flow_logs = self._create_flow_logs()

    @functools.cached_property
    def database_subnet_group(self) -> DbSubnetGroup:
        """A DB subnet group of the isolated subnets, or of the private ones if there are none."""
        subnets = self.isolated_subnets or self.private_subnets
        return DbSubnetGroup(
            self,
            "DatabaseSubnetGroup",
            name=self._context.name("database-subnet-group"),
            description="Private subnets of the database",
            subnet_ids=[subnet.id for subnet in subnets],
            tags=self._context.name_tag("database-subnet-group"),
        )

    @functools.cached_property
    def endpoints_security_group(self) -> SecurityGroup:
        """The security group of all interface endpoints."""
        return SecurityGroup(
            self,
            "Endpoints",
            context=self._context,
            vpc=self.vpc,
            kind="endpoints-security-group",
            purpose="Interface endpoints of AWS services",
        )

    @property
    def s3_prefix_list_id(self) -> str:
        """The id of the prefix list of S3 in this Region, for security group rules."""
        return self._endpoints["s3"].prefix_list_id

    def allow_through(
        self,
        name: str,
        *,
        sid: str,
        actions: tuple[str, ...],
        resources: tuple[str, ...],
    ) -> None:
        """Let principals of this account perform `actions` through the endpoint of a service.

        Has no effect for a service without an endpoint in this network.
        """
        if name not in self._endpoints:
            return
        self._endpoint_policies[name].add(
            Statement(
                sid=sid,
                principals={"AWS": ["*"]},
                actions=actions,
                resources=resources,
                conditions=self._own_principals("StringEquals"),
            )
        )

    def _own_principals(self, operator: str) -> Conditions:
        return {operator: {"aws:PrincipalAccount": self._context.account.id}}

    def _create_subnets(self, tier: Tier) -> list[Subnet]:
        public, name = tier == "public", tier.title()
        self._route_tables[tier] = []
        subnets = []
        for number, (zone, cidr) in enumerate(
            zip(self._config.availability_zones, self._config.subnets(tier), strict=False), start=1
        ):
            subnet = Subnet(
                self,
                f"{name}Subnet{number}",
                vpc_id=self.vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=public,
                tags=self._context.name_tag(f"{tier}-subnet-{number}"),
            )
            if public:
                suppress(
                    subnet,
                    since="2026-11",
                    reasons={
                        "no_public_access": PUBLIC_SUBNET_REASON,
                        "CKV_AWS_130": PUBLIC_SUBNET_REASON,
                    },
                )
            table = RouteTable(
                self,
                f"{name}Routes{number}",
                vpc_id=self.vpc.id,
                tags=self._context.name_tag(f"{tier}-routes-{number}"),
            )
            RouteTableAssociation(
                self,
                f"{name}RoutesOfSubnet{number}",
                subnet_id=subnet.id,
                route_table_id=table.id,
            )
            subnets.append(subnet)
            self._route_tables[tier].append(table)
        return subnets

    def _create_internet_gateway(self) -> InternetGateway:
        """Create the internet gateway and the default routes of the public subnets."""
        gateway = InternetGateway(
            self,
            "InternetGateway",
            vpc_id=self.vpc.id,
            tags=self._context.name_tag("internet-gateway"),
        )
        suppress(
            gateway,
            since="2026-11",
            reasons={"no_public_access": "Public subnets require an internet gateway"},
        )
        for number, table in enumerate(self._route_tables["public"], start=1):
            Route(
                self,
                f"PublicRoute{number}",
                route_table_id=table.id,
                destination_cidr_block=ANY_IPV4,
                gateway_id=gateway.id,
            )
        return gateway

    def _create_nat_gateways(self, internet_gateway: InternetGateway) -> list[NatGateway]:
        """Create the NAT gateways and the default routes of the private subnets."""
        gateways: list[NatGateway] = []
        nat_subnets = (
            self.public_subnets[:1] if self._config.single_nat_gateway else self.public_subnets
        )
        for number, subnet in enumerate(nat_subnets, start=1):
            address = Eip(
                self,
                f"NatAddress{number}",
                domain="vpc",
                tags=self._context.name_tag(f"nat-address-{number}"),
                # AWS requires the internet gateway before an Elastic IP address is associated.
                depends_on=[internet_gateway],
            )
            suppress(
                address,
                since="2026-11",
                reasons={"no_public_access": "The source address of a NAT gateway"},
            )
            gateway = NatGateway(
                self,
                f"NatGateway{number}",
                allocation_id=address.allocation_id,
                subnet_id=subnet.id,
                tags=self._context.name_tag(f"nat-gateway-{number}"),
                depends_on=[internet_gateway],
            )
            suppress(
                gateway,
                since="2026-11",
                reasons={
                    "no_public_access": "A NAT gateway accepts no connections from the internet"
                },
            )
            gateways.append(gateway)
        for number, table in enumerate(self._route_tables["private"], start=1):
            Route(
                self,
                f"PrivateRoute{number}",
                route_table_id=table.id,
                destination_cidr_block=ANY_IPV4,
                nat_gateway_id=gateways[min(number, len(gateways)) - 1].id,
            )
        return gateways

    def _create_endpoint(self, name: str) -> None:
        policy = PolicyDocument(
            Statement(
                sid="DenyOtherAccounts",
                effect="Deny",
                principals="*",
                actions=("*",),
                conditions=self._own_principals("StringNotEquals"),
            )
        )
        endpoint = VpcEndpoint(
            self,
            f"{name.title().replace('.', '')}Endpoint",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self._context.account.region}.{name}",
            policy=policy.to_json(),
            tags=self._context.name_tag(f"{name}-endpoint"),
            **self._endpoint_arguments(name),
        )
        policy.attach(endpoint)
        self._endpoints[name], self._endpoint_policies[name] = endpoint, policy

    def _endpoint_arguments(self, name: str) -> dict[str, Any]:
        """The arguments of a gateway endpoint in all route tables, or of an interface endpoint."""
        if name in GATEWAY_SERVICES:
            tables = [table.id for tables in self._route_tables.values() for table in tables]
            return {"vpc_endpoint_type": "Gateway", "route_table_ids": tables}
        return {
            "vpc_endpoint_type": "Interface",
            "private_dns_enabled": True,
            "subnet_ids": [subnet.id for subnet in self.private_subnets],
            "security_group_ids": [self.endpoints_security_group.id],
        }

    def _create_flow_logs(self) -> SecureBucket:
        context, account = self._context, self._context.account
        context.key.allow_service(
            "delivery.logs",
            sid="AllowVpcFlowLogs",
            actions=(*KEY_USE, "kms:DescribeKey"),
            conditions={
                "StringEquals": {"aws:SourceAccount": account.id},
                "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
            },
        )
        bucket = SecureBucket(
            self,
            "FlowLogs",
            context=context,
            kind="flow-logs",
            retention=Retention.for_logs(context.log_retention),
        )
        self._allow_log_delivery(bucket)
        bucket.require_mfa_for_deletion()
        FlowLog(
            self,
            "FlowLog",
            vpc_id=self.vpc.id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=bucket.arn,
            # VPC flow logs aggregate over 60 or 600 seconds and no other interval.
            max_aggregation_interval=self._config.flow_log_interval_seconds,
            destination_options=FlowLogDestinationOptions(
                file_format="parquet",
                hive_compatible_partitions=False,
                per_hour_partition=True,
            ),
            tags=context.name_tag("flow-log"),
            # Without a bucket policy AWS creates one itself, and Terraform's is rejected.
            depends_on=[bucket.policy],
        )
        return bucket

    def _allow_log_delivery(self, bucket: SecureBucket) -> None:
        """Allow the delivery of flow logs by the two statements that AWS documents.

        If a statement is missing, AWS adds it to the bucket policy. The first one requires an ACL
        header that is not sent for every bucket without ACLs, hence the third statement.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
        """
        account = self._context.account
        prefix = f"AWSLogs/{account.id}/"
        from_account = {"aws:SourceAccount": account.id}
        from_logs = {"aws:SourceArn": account.arn("logs", "*")}
        acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
        bucket.allow(
            Statement(
                sid="AWSLogDeliveryWrite",
                principals=service("delivery.logs"),
                actions=("s3:PutObject",),
                resources=(f"{bucket.arn}/{prefix}*",),
                conditions={"StringEquals": {**from_account, **acl}, "ArnLike": from_logs},
            ),
            Statement(
                sid="AWSLogDeliveryAclCheck",
                principals=service("delivery.logs"),
                actions=("s3:GetBucketAcl", "s3:ListBucket"),
                resources=(bucket.arn,),
                conditions={"StringEquals": from_account, "ArnLike": from_logs},
            ),
        )
        bucket.allow_service_to_write(
            "delivery.logs",
            sid="AllowFlowLogsWithoutAcl",
            prefix=prefix,
            conditions={"StringEquals": from_account, "ArnLike": from_logs},
        )
        suppress(
            bucket.policy,
            since="2026-11",
            reasons={
                "no_redundant_statements": "AWS adds the narrower statement where it is missing"
            },
        )
