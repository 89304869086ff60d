"""Patches of Elastic Load Balancing."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.elbv2.models import FakeLoadBalancer
from moto.elbv2.responses import ELBV2Response

from tools.emulator.moto_patches.patching import moto_patch, replace

_ENFORCEMENT = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


@moto_patch
def store_set_security_groups_private_link_enforcement() -> None:
    """Store ``EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic`` of SetSecurityGroups.

    moto 5.2.5: ignores the field; DescribeLoadBalancers omits it.

    AWS: returns ``on`` or ``off`` for a Network Load Balancer with security groups.

    Reason: the provider plans to set the field again in every plan.
    """
    original = ELBV2Response.set_security_groups

    def set_security_groups(self: Any) -> Any:
        response = original(self)
        enforcement = self._get_param(_ENFORCEMENT)
        if enforcement:
            load_balancer = self.elbv2_backend.load_balancers[self._get_param("LoadBalancerArn")]
            load_balancer.enforce_security_group_inbound_rules_on_private_link_traffic = enforcement
        return response

    replace(ELBV2Response, set_security_groups=set_security_groups)
    replace(FakeLoadBalancer, enforce_security_group_inbound_rules_on_private_link_traffic=None)


@moto_patch
def default_create_load_balancer_scheme() -> None:
    """Set ``Scheme`` to ``internet-facing`` where CreateLoadBalancer omits it.

    moto 5.2.5: stores no scheme.

    AWS: the default of ``Scheme`` is ``internet-facing``.

    Reason: a test reads the scheme of the public load balancer, which the provider does not send.
    """
    original = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.scheme = self.scheme or "internet-facing"

    replace(FakeLoadBalancer, __init__=init)
