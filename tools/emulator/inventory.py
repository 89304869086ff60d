"""Says what exists in the emulated account, so that "nothing is left" can be said honestly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

Thing = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """One kind of resource: how to list it, what names it, and which ones do not count.

    ``result`` is the answer's list, with dots for lists inside; ``name`` the item's field, or ""
    where items are plain strings. ``counts`` leaves out what AWS itself makes in every account.
    """

    service: str
    operation: str
    result: str
    name: str
    counts: Callable[[Thing], bool] = lambda _thing: True
    arguments: tuple[tuple[str, Any], ...] = ()


def _not_default_group(thing: Thing) -> bool:
    return not str(next(iter(thing.values()))).startswith("default")


# Services whose things belong to no Region.
GLOBAL = ("iam", "route53", "s3")
# Network parts live and die with their VPC; those that can outlive a mistake are listed too.
LISTINGS = (
    Listing("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    Listing("apigateway", "get_rest_apis", "items", "name"),
    Listing("apigateway", "get_vpc_links", "items", "name"),
    Listing("cloudtrail", "describe_trails", "trailList", "Name"),
    Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listing("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
    Listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    Listing("config", "describe_config_rules", "ConfigRules", "ConfigRuleName"),
    Listing("config", "describe_configuration_recorders", "ConfigurationRecorders", "name"),
    Listing("config", "describe_delivery_channels", "DeliveryChannels", "name"),
    Listing("dynamodb", "list_tables", "TableNames", ""),
    Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Listing("ec2", "describe_key_pairs", "KeyPairs", "KeyName"),
    Listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    Listing("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    Listing(
        "ec2",
        "describe_instances",
        "Reservations.Instances",
        "InstanceId",
        lambda thing: thing["State"]["Name"] != "terminated",
    ),
    Listing(
        "ec2",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        lambda thing: thing["State"] != "deleted",
    ),
    Listing("ec2", "describe_subnets", "Subnets", "SubnetId", lambda t: not t["DefaultForAz"]),
    Listing(
        "ec2",
        "describe_security_groups",
        "SecurityGroups",
        "GroupName",
        lambda thing: thing["GroupName"] != "default",
    ),
    Listing(
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        lambda thing: thing["State"] != "deleted",
    ),
    Listing(
        "ec2",
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        "VpcPeeringConnectionId",
        lambda thing: thing["Status"]["Code"] not in ("deleted", "rejected"),
    ),
    Listing("ec2", "describe_volumes", "Volumes", "VolumeId"),
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId", lambda thing: not thing["IsDefault"]),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    Listing("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    Listing(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"
    ),
    Listing("autoscaling", "describe_policies", "ScalingPolicies", "PolicyName"),
    Listing("events", "list_event_buses", "EventBuses", "Name", lambda t: t["Name"] != "default"),
    Listing("events", "list_rules", "Rules", "Name"),
    Listing("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    Listing("iam", "list_policies", "Policies", "PolicyName", arguments=(("Scope", "Local"),)),
    Listing(
        "iam",
        "list_roles",
        "Roles",
        "RoleName",
        lambda thing: not thing["Path"].startswith("/aws-service-role/"),
    ),
    Listing("iam", "list_users", "Users", "UserName"),
    Listing(
        "kms", "list_aliases", "Aliases", "AliasName", lambda t: "alias/aws/" not in t["AliasName"]
    ),
    Listing("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    Listing("lambda", "list_functions", "Functions", "FunctionName"),
    Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing("logs", "describe_metric_filters", "metricFilters", "filterName"),
    Listing("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    Listing("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    Listing(
        "rds",
        "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroups",
        "DBClusterParameterGroupName",
        _not_default_group,
    ),
    Listing(
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
        _not_default_group,
    ),
    Listing(
        "rds",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterSnapshotIdentifier",
        arguments=(("SnapshotType", "manual"),),
    ),
    Listing(
        "rds",
        "describe_db_snapshots",
        "DBSnapshots",
        "DBSnapshotIdentifier",
        arguments=(("SnapshotType", "manual"),),
    ),
    Listing("route53", "list_hosted_zones", "HostedZones", "Name"),
    Listing("s3", "list_buckets", "Buckets", "Name"),
    Listing("secretsmanager", "list_secrets", "SecretList", "Name"),
    Listing("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    Listing("sns", "list_topics", "Topics", "TopicArn"),
    Listing("sqs", "list_queues", "QueueUrls", ""),
    Listing(
        "ssm",
        "describe_parameters",
        "Parameters",
        "Name",
        # AWS's own public parameters.
        lambda thing: not thing["Name"].startswith("/aws/"),
    ),
    Listing("stepfunctions", "list_state_machines", "stateMachines", "name"),
    Listing("wafv2", "list_web_acls", "WebACLs", "Name", arguments=(("Scope", "REGIONAL"),)),
)


def inventory(endpoint: str, *regions: str) -> list[str]:
    """List what exists in Regions (default us-east-1), sorted, as ``service kind name``.

    Lines of the second Region and further ones end in ``in REGION``.
    Left out: what AWS makes in every account (default VPC, default groups), and keys and secrets
    that are scheduled for deletion, which is as gone as AWS lets them be.
    """
    first, *others = dict.fromkeys(regions or ("us-east-1",))
    found = _in_region(endpoint, first, LISTINGS)
    regional = [listing for listing in LISTINGS if listing.service not in GLOBAL]
    for region in others:
        found += [f"{line} in {region}" for line in _in_region(endpoint, region, regional)]
    return sorted(found)


def _in_region(endpoint: str, region: str, listings: Sequence[Listing]) -> list[str]:
    session: Any = boto3.session.Session(region_name=region)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(retries={"total_max_attempts": 1})
    services = sorted({"kms"} | {listing.service for listing in listings})
    # Clients are made one after another: boto3's sessions are not safe to share while doing so.
    clients = {
        service: session.client(service, endpoint_url=endpoint, config=config, **keys)
        for service in services
    }

    def listed(listing: Listing) -> list[str]:
        kind = listing.operation.split("_", 1)[1]
        things = _things(clients[listing.service], listing)
        return [f"{listing.service} {kind} {name}" for name in things]

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = [line for lines in pool.map(listed, listings) for line in lines]
    return found + [f"kms keys {key}" for key in _keys(clients["kms"])]


def _pages(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Iterator[Thing]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**arguments)
    else:
        yield getattr(client, operation)(**arguments)


def _things(client: BaseClient, listing: Listing) -> Iterator[str]:
    outer, _, inner = listing.result.partition(".")
    for page in _pages(client, listing.operation, dict(listing.arguments)):
        items = page.get(outer, [])
        if inner:
            items = [item for group in items for item in group[inner]]
        for item in items:
            if not listing.name:
                yield str(item)
            elif listing.counts(item):
                yield str(item[listing.name])


def _keys(kms: Any) -> Iterator[str]:  # noqa: ANN401
    for page in _pages(kms, "list_keys", {}):
        for key in page["Keys"]:
            about = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if about["KeyManager"] == "CUSTOMER" and about["KeyState"] != "PendingDeletion":
                yield str(key["KeyId"])
