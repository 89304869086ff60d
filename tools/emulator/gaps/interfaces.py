"""Network interfaces: they go with what they were made for."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance
from moto.ec2.models.nat_gateways import NatGatewayBackend

from tools.emulator.patching import put


def leave_with_their_instance() -> None:
    """An instance's first interface is deleted when the instance is; moto keeps it, in use."""
    original = Instance.terminate

    def terminate(self: Any) -> Any:
        answer = original(self)
        first = self.nics.get(0)
        if first:
            self.ec2_backend.enis.pop(first.id, None)
        return answer

    put(Instance, terminate=terminate)


def leave_with_their_nat_gateway() -> None:
    """A NAT gateway takes its interface along; moto keeps it, available."""
    original = NatGatewayBackend.delete_nat_gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    put(NatGatewayBackend, delete_nat_gateway=delete_nat_gateway)
