"""Lists what AWS bills each month for the resources of a synthesized stack while it is idle."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.template import Resource, Template, listed
from tools.errors import ToolError

FILE = Path(__file__).with_name("prices.toml")
# The size of the root volume in the images of Amazon Linux.
IMAGE_VOLUME_GB = 8
REFERENCE = re.compile(r"^\$\{(?P<address>\w+\.[\w-]+)\.\w+\}$")


@dataclass(frozen=True)
class Price:
    """A price in USD per unit, and the path of its page below https://aws.amazon.com/."""

    usd: float
    unit: str
    source: str

    @property
    def page(self) -> str:
        """The address of the page with the price."""
        path = self.source if "/pricing" in self.source else f"{self.source}/pricing"
        return f"https://aws.amazon.com/{path}/"


@dataclass(frozen=True)
class Prices:
    """The prices of a Region on a date; a month has `hours` hours. `usage` is billed by use."""

    date: str
    region: str
    hours: int
    price: Mapping[str, Price]
    usage: Mapping[str, Price]

    def monthly(self, item: Item) -> float:
        """The costs of an item in USD a month; raises ToolError for an item without a price."""
        price = self.price.get(item.name)
        if price is None:
            raise ToolError(
                f"prices: received {item.name!r}; accepted: {', '.join(self.price)}. Add its price"
                " to tools/costs/prices.toml."
            )
        return item.quantity * price.usd * (self.hours if price.unit == "hour" else 1)


@dataclass(frozen=True)
class Item:
    """A quantity of what a key of the prices names, such as 2 NAT gateways."""

    name: str
    quantity: float = 1


def load_prices(file: Path = FILE) -> Prices:
    """Read the prices."""
    read: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    for table in ("price", "usage"):
        read[table] = {name: Price(**row) for name, row in read[table].items()}
    return Prices(**read)


def monthly_items(template: Template) -> list[Item]:
    """What the resources of a stack are billed for, the sum of each item, in order of names."""
    sums: dict[str, float] = {}
    for resource in template.resources():
        for item in ITEMS.get(resource.type, _nothing)(resource, template):
            sums[item.name] = sums.get(item.name, 0) + item.quantity
    return [Item(name, sums[name]) for name in sorted(sums)]


Lister = Callable[[Resource, Template], Iterator[Item]]


def _nothing(_resource: Resource, _template: Template) -> Iterator[Item]:
    yield from ()


def _one(name: str) -> Lister:
    def items(_resource: Resource, _template: Template) -> Iterator[Item]:
        yield Item(name)

    return items


def _endpoint(resource: Resource, _template: Template) -> Iterator[Item]:
    if resource.get("vpc_endpoint_type") == "Interface":
        yield Item("interface endpoint, per zone", len(resource["subnet_ids"]))


def _load_balancer(resource: Resource, _template: Template) -> Iterator[Item]:
    kind = "Network" if resource.get("load_balancer_type") == "network" else "Application"
    yield Item(f"{kind} Load Balancer")
    if not resource.get("internal"):
        yield Item("public IPv4 address", len(resource["subnets"]))


def _instance(resource: Resource, _template: Template) -> Iterator[Item]:
    volume = (listed(resource.get("root_block_device")) or [{}])[0]
    yield from _ec2(resource, volume, 1)
    if resource.get("associate_public_ip_address"):
        yield Item("public IPv4 address")


def _auto_scaling_group(resource: Resource, template: Template) -> Iterator[Item]:
    """The minimum number of instances of the launch template."""
    (launch,) = listed(resource["launch_template"])
    found = REFERENCE.match(launch["id"])
    for one in template.resources("aws_launch_template"):
        if found and one.address == found["address"]:
            (volume,) = (row["ebs"] for row in listed(one["block_device_mappings"]))
            yield from _ec2(one, volume, resource["min_size"])


def _ec2(resource: Resource, volume: Mapping[str, Any], count: int) -> Iterator[Item]:
    yield Item(f"EC2 {resource['instance_type']}", count)
    kind = volume.get("volume_type", "gp2")
    yield Item(f"EBS {kind}, per GB", count * volume.get("volume_size", IMAGE_VOLUME_GB))
    monitoring = resource.get("monitoring")
    if monitoring is True or (isinstance(monitoring, dict) and monitoring.get("enabled")):
        yield Item("EC2 detailed monitoring, per instance", count)


def _aurora_instance(resource: Resource, _template: Template) -> Iterator[Item]:
    yield Item(f"Aurora {resource['instance_class']}")


def _database_instance(resource: Resource, _template: Template) -> Iterator[Item]:
    count = 2 if resource.get("multi_az") else 1
    yield Item(f"RDS PostgreSQL {resource['instance_class']}", count)
    kind = resource.get("storage_type", "gp2")
    yield Item(f"RDS {kind} storage, per GB", count * resource["allocated_storage"])


def _web_acl(resource: Resource, _template: Template) -> Iterator[Item]:
    yield Item("WAF web ACL")
    yield Item("WAF rule", len(listed(resource.get("rule"))))


ITEMS: Mapping[str, Lister] = {
    "aws_autoscaling_group": _auto_scaling_group,
    "aws_cloudwatch_dashboard": _one("CloudWatch dashboard"),
    "aws_cloudwatch_metric_alarm": _one("CloudWatch alarm"),
    "aws_db_instance": _database_instance,
    "aws_eip": _one("public IPv4 address"),
    "aws_instance": _instance,
    "aws_kms_key": _one("KMS key"),
    "aws_lb": _load_balancer,
    "aws_nat_gateway": _one("NAT gateway"),
    "aws_rds_cluster_instance": _aurora_instance,
    "aws_secretsmanager_secret": _one("Secrets Manager secret"),
    "aws_vpc_endpoint": _endpoint,
    "aws_wafv2_web_acl": _web_acl,
}
