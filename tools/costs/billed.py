"""The resource types that AWS bills for their existence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Resource types that AWS bills for their existence, with the word for them in reports.
BILLED: Mapping[str, str] = {
    "aws_autoscaling_group": "Auto Scaling group",
    "aws_db_instance": "database instance",
    "aws_db_proxy": "database proxy",
    "aws_ec2_transit_gateway": "transit gateway",
    "aws_ec2_transit_gateway_vpc_attachment": "transit gateway attachment",
    "aws_ecs_service": "ECS service",
    "aws_eip": "public address",
    "aws_eks_cluster": "EKS cluster",
    "aws_elasticache_cluster": "cache",
    "aws_elasticache_replication_group": "cache",
    "aws_fsx_windows_file_system": "file system",
    "aws_globalaccelerator_accelerator": "accelerator",
    "aws_instance": "instance",
    "aws_kinesis_stream": "stream",
    "aws_lb": "load balancer",
    "aws_msk_cluster": "stream",
    "aws_nat_gateway": "NAT gateway",
    "aws_neptune_cluster_instance": "database instance",
    "aws_opensearch_domain": "search domain",
    "aws_rds_cluster_instance": "database instance",
    "aws_redshift_cluster": "warehouse",
    "aws_vpc_endpoint": "interface endpoint",
    "aws_vpn_connection": "VPN connection",
    "aws_wafv2_web_acl": "web ACL",
}


def is_billed(type_: str, values: Mapping[str, Any]) -> bool:
    """Whether AWS bills a resource for its existence; gateway endpoints cost nothing."""
    if type_ == "aws_vpc_endpoint":
        return values.get("vpc_endpoint_type") == "Interface"
    return type_ in BILLED
