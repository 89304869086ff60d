"""The network: a VPC whose subnets reach AWS services by endpoints, and nothing else."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.flow_log import FlowLog, FlowLogDestinationOptions
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

from lib.account import Account
from lib.policy import Conditions, Statement, document, service
from lib.security import EncryptionKey, SecurityGroup
from lib.settings import Settings
from lib.storage import Retention, SecureBucket

GATEWAY_SERVICES = ("s3",)
HTTPS = 443


class Network(Construct):
    """Creates a VPC with one private subnet a zone, its endpoints and its flow logs.

    Promise: there is no way to the internet, in or out; AWS services are reached by endpoints whose
    policies allow only what `allow_through` opened, and nothing to principals of other accounts;
    the default security group has no rule; every flow is logged to a bucket of its own.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
        access_logs: SecureBucket,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._account = settings, account
        self.vpc = Vpc(
            self,
            "Resource",
            cidr_block=settings.network.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=settings.name_tag("vpc"),
        )
        # A VPC is born with a group that lets its members talk to each other and to everyone.
        DefaultSecurityGroup(
            self,
            "DefaultSecurityGroup",
            vpc_id=self.vpc.id,
            tags=settings.name_tag("default-security-group"),
        )
        self.private_subnets = self._build_private_subnets()
        self.database_subnet_group = DbSubnetGroup(
            self,
            "DatabaseSubnetGroup",
            name=settings.name("database-subnet-group"),
            description="Private subnets of the database",
            subnet_ids=[subnet.id for subnet in self.private_subnets],
            tags=settings.name_tag("database-subnet-group"),
        )
        self.endpoints_security_group = SecurityGroup(
            self,
            "Endpoints",
            settings=settings,
            vpc=self.vpc,
            kind="endpoints-security-group",
            purpose="Interface endpoints of AWS services",
        )
        self._allowed: dict[str, list[Statement]] = {}
        self._endpoints: dict[str, VpcEndpoint] = {}
        for name in (*GATEWAY_SERVICES, *settings.network.interface_endpoints):
            self._build_endpoint(name)
        self.flow_logs = self._build_flow_logs(key, access_logs)

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

    def _build_private_subnets(self) -> list[Subnet]:
        network = self._settings.network
        self._route_tables: list[RouteTable] = []
        subnets = []
        for number, (zone, cidr) in enumerate(
            zip(network.availability_zones, network.subnets(), strict=True), start=1
        ):
            name = self._settings.name_tag(f"private-subnet-{number}")
            subnet = Subnet(
                self,
                f"PrivateSubnet{number}",
                vpc_id=self.vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags=name,
            )
            table = RouteTable(
                self,
                f"PrivateRoutes{number}",
                vpc_id=self.vpc.id,
                tags=self._settings.name_tag(f"private-routes-{number}"),
            )
            RouteTableAssociation(
                self,
                f"PrivateRoutesOfSubnet{number}",
                subnet_id=subnet.id,
                route_table_id=table.id,
            )
            subnets.append(subnet)
            self._route_tables.append(table)
        return subnets

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
            endpoint.route_table_ids = [table.id for table in self._route_tables]
            return
        endpoint.vpc_endpoint_type = "Interface"
        endpoint.private_dns_enabled = True
        endpoint.subnet_ids = [subnet.id for subnet in self.private_subnets]
        endpoint.security_group_ids = [self.endpoints_security_group.id]

    def _build_flow_logs(self, key: EncryptionKey, access_logs: SecureBucket) -> SecureBucket:
        settings, account = self._settings, self._account
        key.allow_service("flow-logs")
        bucket = SecureBucket(
            self,
            "FlowLogs",
            settings=settings,
            account=account,
            kind="flow-logs",
            key=key,
            access_logs=access_logs,
            retention=Retention(
                expiration_days=settings.storage.log_expiration_days,
                noncurrent_version_days=settings.storage.noncurrent_version_days,
            ),
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
            max_aggregation_interval=settings.network.flow_log_interval_seconds,
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
