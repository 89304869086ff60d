"""Elastic Load Balancing: a load balancer tells all it was told."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.elbv2.models import FakeLoadBalancer
from moto.elbv2.responses import ELBV2Response

from tools.emulator.patching import put

_ENFORCED = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


def keep_whether_rules_hold_for_private_link() -> None:
    """A Network Load Balancer with security groups tells whether they hold for PrivateLink; moto
    does not keep it.

    The provider would set it again in every plan.
    """
    original = ELBV2Response.set_security_groups

    def set_security_groups(self: Any) -> Any:
        answer = original(self)
        enforced = self._get_param(_ENFORCED)
        if enforced:
            balancer = self.elbv2_backend.load_balancers[self._get_param("LoadBalancerArn")]
            balancer.enforce_security_group_inbound_rules_on_private_link_traffic = enforced
        return answer

    put(ELBV2Response, set_security_groups=set_security_groups)
    put(FakeLoadBalancer, enforce_security_group_inbound_rules_on_private_link_traffic=None)


def face_the_internet_unless_told_otherwise() -> None:
    """A load balancer whose scheme nobody named is internet-facing and says so; moto's has none."""
    original = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.scheme = self.scheme or "internet-facing"

    put(FakeLoadBalancer, __init__=init)
