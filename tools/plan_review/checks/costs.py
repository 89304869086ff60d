"""Checks for sizes, quantities and resources that change the cost. They do not estimate prices."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review.comparison import equivalent, format_difference, format_value
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Action, Change
from tools.plan_review.values import UNKNOWN, Json, as_number, flatten

# Resource types that AWS bills for their existence, with the word for them in reports.
BILLED = {
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
SIZES = (
    *("instance_type", "instance_class", "node_type", "dbi_resource_class", "size"),
    *("broker_node_type",),
)
QUANTITIES = (
    *("allocated_storage", "max_allocated_storage", "volume_size", "iops", "storage_throughput"),
    *("throughput", "desired_capacity", "min_size", "max_size", "desired_count", "memory_size"),
    *("num_cache_nodes", "num_cache_clusters", "read_capacity", "write_capacity", "shard_count"),
    *("min_capacity", "max_capacity", "provisioned_concurrent_executions", "node_count"),
    *("backup_retention_period", "retention_in_days", "performance_insights_retention_period"),
    *("monitoring_interval", "number_of_broker_nodes", "instance_count", "cpu", "memory"),
)
SWITCHES = ("multi_az", "performance_insights_enabled", "monitoring", "ebs_optimized")
STORAGE = ("storage_type", "volume_type", "storage_class", "billing_mode")
# Intervals in seconds: a shorter interval costs more; 0 turns the feature off.
INTERVALS = ("monitoring_interval",)

_STEPS = ("nano", "micro", "small", "medium", "large", "xlarge")


def changed_cost(change: Change) -> Iterator[Evidence]:
    """Yield the billed resources that are added or removed, and sizes that change."""
    if change.action in (Action.CREATE, Action.DELETE):
        yield from _billed(change)
        return
    before, after = flatten(change.before), flatten(change.after)
    for path in sorted(before.keys() & after.keys()):
        old, new = before[path], after[path]
        if len(old) != 1 or len(new) != 1 or equivalent(old[0], new[0]):
            continue
        # The plan does not contain the values that AWS chooses during the apply.
        if new[0] in (None, UNKNOWN) and path.partition(".")[0] not in change.configured:
            continue
        increases = _increases(path.rpartition(".")[2], old[0], new[0])
        if increases is not None:
            line = format_difference(path, old[0], new[0])
            yield Evidence("cost-increased" if increases else "cost-decreased", lines=(line,))


def _billed(change: Change) -> Iterator[Evidence]:
    created = change.action is Action.CREATE
    values = change.after if created else change.before
    word = BILLED.get(change.type)
    gateway = change.type == "aws_vpc_endpoint" and values.get("vpc_endpoint_type") != "Interface"
    if word and not gateway:
        rule = "cost-increased" if created else "cost-decreased"
        note = f"{word} {'added' if created else 'removed'}"
        yield Evidence(rule, note, tuple(_sizes(values)))


def _sizes(values: Json) -> Iterator[str]:
    for path, found in flatten(values).items():
        name = path.rpartition(".")[2]
        listed = name in SIZES or (name in QUANTITIES and found[0])
        if listed and isinstance(found[0], str | int | float):
            yield f"{path}: {format_value(found[0])}"


def _increases(name: str, old: Json, new: Json) -> bool | None:
    """Return whether a changed setting increases the cost; None if it has no effect on it."""
    if name in SIZES and isinstance(old, str) and isinstance(new, str):
        before, after = size(old), size(new)
        # The families are not comparable without prices, so a reviewer has to compare them.
        return True if not before or not after or before[0] != after[0] else after[1] > before[1]
    if name in QUANTITIES:
        had, has = as_number(old), as_number(new)
        if had is None or has is None:
            return None
        if name in INTERVALS:
            return had == 0 or (0 < has < had)
        return has > had
    if name in SWITCHES:
        return new is True
    return True if name in STORAGE else None


def size(name: str) -> tuple[str, float] | None:
    """Return family and rank in it of an instance type or class such as `db.r6g.2xlarge`."""
    family, _, step = name.rpartition(".")
    if not family:
        return None
    if step in _STEPS:
        return family, float(_STEPS.index(step))
    factor = step.removesuffix("xlarge")
    if step.endswith("xlarge") and factor.isascii() and factor.isdigit():
        return family, len(_STEPS) - 1 + float(factor)
    return (family, 1000.0) if step == "metal" else None
