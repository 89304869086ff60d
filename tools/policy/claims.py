"""Security Hub controls that only some stacks satisfy, evaluated on the synthesized JSON.

The other controls of `docs/compliance.md` are those of rules and settings that every stack has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lib.rules import Resource, Template
from lib.template import listed

# For each resource that the control is about, whether it passes.
Check = Callable[[Template], Iterator[bool]]

# The policies that ELB.17 accepts; the control has no parameter for others.
RECOMMENDED_TLS_POLICIES = frozenset(
    f"ELBSecurityPolicy-TLS13-{name}"
    for name in (
        *("1-3-2021-06", "1-3-FIPS-2023-04", "1-2-Res-2021-06", "1-2-Res-FIPS-2023-04"),
        *("1-3-PQ-2025-09", "1-3-FIPS-PQ-2025-09"),
        *("1-2-Res-PQ-2025-09", "1-2-Res-FIPS-PQ-2025-09"),
    )
)
SERVICE_LINKED_ROLE = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"


def _listeners_have_recommended_policies(template: Template) -> Iterator[bool]:
    for listener in template.resources("aws_lb_listener"):
        if listener.get("protocol") in ("HTTPS", "TLS"):
            yield listener.get("ssl_policy") in RECOMMENDED_TLS_POLICIES


def _recorders_have_the_service_linked_role(template: Template) -> Iterator[bool]:
    for recorder in template.resources("aws_config_configuration_recorder"):
        yield str(recorder.get("role_arn")).endswith(SERVICE_LINKED_ROLE)


def _instances_have_no_public_address(template: Template) -> Iterator[bool]:
    addresses = [one.get("instance") for one in template.resources("aws_eip")]
    public = [one.ref("id") for one in template.resources("aws_subnet") if _assigns(one)]
    for instance in template.resources("aws_instance"):
        default = instance.get("subnet_id") in public
        assigned = instance.get("associate_public_ip_address", default)
        yield not assigned and instance.ref("id") not in addresses
    for launched in template.resources("aws_launch_template"):
        for interface in listed(launched.get("network_interfaces")):
            yield interface.get("associate_public_ip_address") in (False, "false")
    for group in template.resources("aws_autoscaling_group"):
        yield not {*public} & {*listed(group.get("vpc_zone_identifier"))}


def _assigns(subnet: Resource) -> bool:
    return bool(subnet.get("map_public_ip_on_launch"))


def _subnets_assign_no_public_address(template: Template) -> Iterator[bool]:
    for subnet in template.resources("aws_subnet"):
        yield not _assigns(subnet)


def _buckets_have_access_logs(template: Template) -> Iterator[bool]:
    for bucket in template.resources("aws_s3_bucket"):
        yield bool(template.bucket_resources(bucket, "aws_s3_bucket_logging"))


class Claim(NamedTuple):
    """A control, what a stack without it lacks, and the evaluation of a stack."""

    control: str
    otherwise: str
    check: Check

    def satisfied(self, template: Template) -> bool:
        """Whether the stack has resources that the control is about, and all of them pass."""
        results = [*self.check(template)]
        return bool(results) and all(results)

    def stacks(self, templates: Iterable[Template]) -> list[str]:
        """The names of the stacks that satisfy the control."""
        return [one.stack for one in templates if self.satisfied(one)]


# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
CLAIMS = (
    Claim(
        "Config.1",
        "the recorder has a role of its own, not the service-linked role, and exists in one Region",
        _recorders_have_the_service_linked_role,
    ),
    Claim(
        "EC2.9",
        "the bastion has a public address by requirement",
        _instances_have_no_public_address,
    ),
    Claim(
        "EC2.15",
        "the public subnets of the production network assign public addresses by requirement",
        _subnets_assign_no_public_address,
    ),
    Claim(
        "ELB.17",
        "the listener has the TLS policy of the requirements; set `TAP_WEB_TLS_POLICY` to"
        " `ELBSecurityPolicy-TLS13-1-2-Res-2021-06` or `ELBSecurityPolicy-TLS13-1-3-2021-06`",
        _listeners_have_recommended_policies,
    ),
    Claim(
        "S3.9",
        "the buckets that receive access logs, and the state bucket, have none themselves",
        _buckets_have_access_logs,
    ),
)
