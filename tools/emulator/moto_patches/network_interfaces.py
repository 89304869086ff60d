"""Patches of EC2: network interfaces that AWS deletes together with their owner."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance
from moto.ec2.models.nat_gateways import NatGatewayBackend

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def terminate_instances_with_primary_network_interface() -> None:
    """Delete the primary network interface of an instance in TerminateInstances.

    moto 5.2.5: keeps the interface with the status ``in-use``.

    AWS: deletes the primary interface with the instance (``DeleteOnTermination`` is true).

    Reason: the inventory after ``terraform destroy`` would list the interface.
    """
    original = Instance.terminate

    def terminate(self: Any) -> Any:
        response = original(self)
        primary = self.nics.get(0)
        if primary:
            self.ec2_backend.enis.pop(primary.id, None)
        return response

    replace(Instance, terminate=terminate)


@moto_patch
def delete_nat_gateway_with_network_interface() -> None:
    """Delete the network interface of a NAT gateway in DeleteNatGateway.

    moto 5.2.5: keeps the interface with the status ``available``.

    AWS: deletes the interface with the NAT gateway.

    Reason: the inventory after ``terraform destroy`` would list the interface.
    """
    original = NatGatewayBackend.delete_nat_gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    replace(NatGatewayBackend, delete_nat_gateway=delete_nat_gateway)
