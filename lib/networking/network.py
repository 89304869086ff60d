"""Networks: a VPC whose tiers of subnets have no more of a way out than they need."""

from __future__ import annotations

import functools

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

from lib.context import Foundation
from lib.iam_policy import Conditions, Statement, document, service
from lib.networking.security_group import EVERYWHERE, SecurityGroup
from lib.settings import VpcSettings
from lib.settings.vpc import Tier
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

GATEWAY_SERVICES = ("s3",)


class Network(Construct):
    """Creates a VPC with one subnet a zone in each tier it is told, its endpoints and flow logs.

    Public subnets lead to an internet gateway; private ones to a NAT gateway of their own zone,
    where there are public ones to put it in; isolated ones nowhere. AWS services that have an
    endpoint are reached by it.

    Guarantee: no subnet has more of a way out than its tier; endpoints let through only what
    `allow_through` opened, and nothing to principals of other accounts; the default security group
    has no rule; every flow is logged to a bucket of its own.
    """

    def __init__(
        self, scope: Construct, id_: str, *, foundation: Foundation, plan: VpcSettings
    ) -> None:
        super().__init__(scope, id_)
        self._foundation, self._plan = foundation, plan
        self._settings, self._account = foundation.settings, foundation.account
        self.availability_zones = plan.availability_zones
        self.vpc = Vpc(
            self,
            "Resource",
            cidr_block=plan.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._settings.name_tag("vpc"),
        )
        # A VPC is born with a group that lets its members talk to each other and to everyone.
        DefaultSecurityGroup(
            self,
            "DefaultSecurityGroup",
            vpc_id=self.vpc.id,
            tags=self._settings.name_tag("default-security-group"),
        )
        self._route_tables: dict[Tier, list[RouteTable]] = {}
        self.public_subnets = self._build_subnets("public")
        self.private_subnets = self._build_subnets("private")
        self.isolated_subnets = self._build_subnets("isolated")
        self.internet_gateway: InternetGateway | None = None
        self.nat_gateways: list[NatGateway] = []
        if self.public_subnets:
            self.internet_gateway = self._lead_out()
            self.nat_gateways = self._translate(self.internet_gateway)
        self._allowed: dict[str, list[Statement]] = {}
        self._endpoints: dict[str, VpcEndpoint] = {}
        for name in plan.endpoints:
            self._build_endpoint(name)
        self.flow_logs = self._build_flow_logs()

    @functools.cached_property
    def database_subnet_group(self) -> DbSubnetGroup:
        """The innermost subnets there are, as RDS wants to have them named."""
        inner = self.isolated_subnets or self.private_subnets
        return DbSubnetGroup(
            self,
            "DatabaseSubnetGroup",
            name=self._settings.name("database-subnet-group"),
            description="Private subnets of the database",
            subnet_ids=[subnet.id for subnet in inner],
            tags=self._settings.name_tag("database-subnet-group"),
        )

    @functools.cached_property
    def endpoints_security_group(self) -> SecurityGroup:
        """The security group of all interface endpoints."""
        return SecurityGroup(
            self,
            "Endpoints",
            settings=self._settings,
            vpc=self.vpc,
            kind="endpoints-security-group",
            purpose="Interface endpoints of AWS services",
        )

    @property
    def s3_prefix_list_id(self) -> str:
        """The addresses of S3 in this Region, as a prefix list for security group rules."""
        return self._endpoints["s3"].prefix_list_id

    def allow_through(
        self,
        name: str,
        *,
        sid: str,
        actions: tuple[str, ...],
        resources: tuple[str, ...],
    ) -> None:
        """Let principals of this account do `actions` through the endpoint of the service `name`.

        A service without an endpoint here needs no opening: it is not reachable at all.
        """
        if name not in self._endpoints:
            return
        self._allowed[name].append(
            Statement(
                sid=sid,
                principals={"AWS": ["*"]},
                actions=actions,
                resources=resources,
                conditions=self._own_principals("StringEquals"),
            )
        )
        self._endpoints[name].policy = document(*self._allowed[name])

    def _own_principals(self, operator: str) -> Conditions:
        return {operator: {"aws:PrincipalAccount": self._account.id}}

    def _build_subnets(self, tier: Tier) -> list[Subnet]:
        public, name = tier == "public", tier.title()
        self._route_tables[tier] = []
        subnets = []
        for number, (zone, cidr) in enumerate(
            zip(self._plan.availability_zones, self._plan.subnets(tier), strict=False), start=1
        ):
            subnet = Subnet(
                self,
                f"{name}Subnet{number}",
                vpc_id=self.vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=public,
                tags=self._settings.name_tag(f"{tier}-subnet-{number}"),
            )
            if public:
                suppress(
                    subnet,
                    since="2026-11",
                    reasons={
                        "no_public_access": "What stands in a public subnet is there to be reached",
                        "CKV_AWS_130": "What stands in a public subnet is there to be reached",
                    },
                )
            table = RouteTable(
                self,
                f"{name}Routes{number}",
                vpc_id=self.vpc.id,
                tags=self._settings.name_tag(f"{tier}-routes-{number}"),
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

    def _lead_out(self) -> InternetGateway:
        """Lead the public subnets to the internet."""
        gateway = InternetGateway(
            self,
            "InternetGateway",
            vpc_id=self.vpc.id,
            tags=self._settings.name_tag("internet-gateway"),
        )
        suppress(
            gateway,
            since="2026-11",
            reasons={"no_public_access": "Public subnets are public by it"},
        )
        for number, table in enumerate(self._route_tables["public"], start=1):
            Route(
                self,
                f"PublicRoute{number}",
                route_table_id=table.id,
                destination_cidr_block=EVERYWHERE,
                gateway_id=gateway.id,
            )
        return gateway

    def _translate(self, internet: InternetGateway) -> list[NatGateway]:
        """Lead the private subnets out through NAT gateways, which let nothing in."""
        gateways: list[NatGateway] = []
        homes = self.public_subnets[:1] if self._plan.one_nat_gateway else self.public_subnets
        for number, subnet in enumerate(homes, start=1):
            address = Eip(
                self,
                f"NatAddress{number}",
                domain="vpc",
                tags=self._settings.name_tag(f"nat-address-{number}"),
                # AWS wants the VPC to have its internet gateway before an address leads there.
                depends_on=[internet],
            )
            suppress(
                address,
                since="2026-11",
                reasons={"no_public_access": "The address that a NAT gateway sends from"},
            )
            gateway = NatGateway(
                self,
                f"NatGateway{number}",
                allocation_id=address.allocation_id,
                subnet_id=subnet.id,
                tags=self._settings.name_tag(f"nat-gateway-{number}"),
                depends_on=[internet],
            )
            suppress(
                gateway,
                since="2026-11",
                reasons={"no_public_access": "It lets private subnets out, and nothing in"},
            )
            gateways.append(gateway)
        for number, table in enumerate(self._route_tables["private"], start=1):
            Route(
                self,
                f"PrivateRoute{number}",
                route_table_id=table.id,
                destination_cidr_block=EVERYWHERE,
                nat_gateway_id=gateways[min(number, len(gateways)) - 1].id,
            )
        return gateways

    def _build_endpoint(self, name: str) -> None:
        self._allowed[name] = [
            Statement(
                sid="DenyOtherAccounts",
                effect="Deny",
                principals="*",
                actions=("*",),
                conditions=self._own_principals("StringNotEquals"),
            )
        ]
        endpoint = VpcEndpoint(
            self,
            f"{name.title().replace('.', '')}Endpoint",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self._account.region}.{name}",
            policy=document(*self._allowed[name]),
            tags=self._settings.name_tag(f"{name}-endpoint"),
        )
        self._endpoints[name] = endpoint
        if name in GATEWAY_SERVICES:
            endpoint.vpc_endpoint_type = "Gateway"
            endpoint.route_table_ids = [
                table.id for tables in self._route_tables.values() for table in tables
            ]
            return
        endpoint.vpc_endpoint_type = "Interface"
        endpoint.private_dns_enabled = True
        endpoint.subnet_ids = [subnet.id for subnet in self.private_subnets]
        endpoint.security_group_ids = [self.endpoints_security_group.id]

    def _build_flow_logs(self) -> SecureBucket:
        settings, account, key = self._settings, self._account, self._foundation.key
        key.allow_service("flow-logs")
        bucket = SecureBucket(
            self,
            "FlowLogs",
            settings=settings,
            account=account,
            kind="flow-logs",
            key=key,
            access_logs=self._foundation.access_logs,
            retention=Retention.of_logs(settings),
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
            max_aggregation_interval=self._plan.flow_log_interval_seconds,
            destination_options=FlowLogDestinationOptions(
                file_format="parquet",
                hive_compatible_partitions=False,
                per_hour_partition=True,
            ),
            tags=settings.name_tag("flow-log"),
            # Where the bucket has no policy yet, AWS writes one itself and Terraform's is refused.
            depends_on=[bucket.policy],
        )
        return bucket

    def _allow_log_delivery(self, bucket: SecureBucket) -> None:
        """Let flow logs in by the two statements AWS looks for, letter by letter.

        Where it does not find them, it writes them into the bucket's policy itself. The first of
        them asks for an ACL, which is not sent to every bucket without ACLs, hence the third.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
        """
        account = self._account
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
            "FlowLogs",
            "delivery.logs",
            prefix=prefix,
            conditions={"StringEquals": from_account, "ArnLike": from_logs},
        )
