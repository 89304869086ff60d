"""Lists the resources that exist in the emulated account, for example after a destroy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

Item = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """One kind of resource and the API operation that lists it.

    ``result`` is the field of the response that holds the list, with a dot before a list nested in
    its items. ``name`` is the field of an item that identifies it, or "" if items are strings.
    ``is_counted`` excludes the resources that AWS creates in every account.
    """

    service: str
    operation: str
    result: str
    name: str
    is_counted: Callable[[Item], bool] = lambda _item: True
    arguments: tuple[tuple[str, Any], ...] = ()


def _not_default_group(item: Item) -> bool:
    return not str(next(iter(item.values()))).startswith("default")


# Services whose resources belong to no Region.
GLOBAL = ("iam", "route53", "s3")
# Route tables and network ACLs are deleted with their VPC and not listed.
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
        lambda item: item["State"]["Name"] != "terminated",
    ),
    Listing(
        "ec2",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        lambda item: item["State"] != "deleted",
    ),
    Listing(
        "ec2", "describe_subnets", "Subnets", "SubnetId", lambda item: not item["DefaultForAz"]
    ),
    Listing(
        "ec2",
        "describe_security_groups",
        "SecurityGroups",
        "GroupName",
        lambda item: item["GroupName"] != "default",
    ),
    Listing(
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        lambda item: item["State"] != "deleted",
    ),
    Listing(
        "ec2",
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        "VpcPeeringConnectionId",
        lambda item: item["Status"]["Code"] not in ("deleted", "rejected"),
    ),
    Listing("ec2", "describe_volumes", "Volumes", "VolumeId"),
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId", lambda item: not item["IsDefault"]),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    Listing("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    Listing(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"
    ),
    Listing("autoscaling", "describe_policies", "ScalingPolicies", "PolicyName"),
    Listing(
        "events", "list_event_buses", "EventBuses", "Name", lambda item: item["Name"] != "default"
    ),
    Listing("events", "list_rules", "Rules", "Name"),
    Listing("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    Listing("iam", "list_policies", "Policies", "PolicyName", arguments=(("Scope", "Local"),)),
    Listing(
        "iam",
        "list_roles",
        "Roles",
        "RoleName",
        lambda item: not item["Path"].startswith("/aws-service-role/"),
    ),
    Listing("iam", "list_users", "Users", "UserName"),
    Listing(
        "kms",
        "list_aliases",
        "Aliases",
        "AliasName",
        lambda item: "alias/aws/" not in item["AliasName"],
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
        # Public parameters of AWS.
        lambda item: not item["Name"].startswith("/aws/"),
    ),
    Listing("stepfunctions", "list_state_machines", "stateMachines", "name"),
    Listing("wafv2", "list_web_acls", "WebACLs", "Name", arguments=(("Scope", "REGIONAL"),)),
)


def inventory(endpoint: str, *regions: str) -> list[str]:
    """Return one line ``SERVICE KIND NAME`` per resource in Regions (default us-east-1), sorted.

    Lines of the second Region and further ones end in ``in REGION``. Not listed: resources that
    AWS creates in every account (default VPC, default groups), and keys and secrets that are
    scheduled for deletion, since AWS deletes neither at once.
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
    # Created in one thread: creating clients from a boto3 session is not thread-safe.
    clients = {
        service: session.client(service, endpoint_url=endpoint, config=config, **keys)
        for service in services
    }

    def listed(listing: Listing) -> list[str]:
        kind = listing.operation.split("_", 1)[1]
        items = _items(clients[listing.service], listing)
        return [f"{listing.service} {kind} {name}" for name in items]

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = [line for lines in pool.map(listed, listings) for line in lines]
    return found + [f"kms keys {key}" for key in _keys(clients["kms"])]


def _pages(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Iterator[Item]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**arguments)
    else:
        yield getattr(client, operation)(**arguments)


def _items(client: BaseClient, listing: Listing) -> Iterator[str]:
    outer, _, inner = listing.result.partition(".")
    for page in _pages(client, listing.operation, dict(listing.arguments)):
        items = page.get(outer, [])
        if inner:
            items = [item for group in items for item in group[inner]]
        for item in items:
            if not listing.name:
                yield str(item)
            elif listing.is_counted(item):
                yield str(item[listing.name])


def _keys(kms: Any) -> Iterator[str]:  # noqa: ANN401
    for page in _pages(kms, "list_keys", {}):
        for key in page["Keys"]:
            metadata = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if metadata["KeyManager"] == "CUSTOMER" and metadata["KeyState"] != "PendingDeletion":
                yield str(key["KeyId"])
