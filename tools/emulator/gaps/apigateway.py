"""API Gateway: what an integration is told, it tells."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.apigateway.models import Integration
from moto.apigateway.responses import APIGatewayResponse

from tools.emulator.patching import put


def keep_the_link_of_an_integration() -> None:
    """An integration through a VPC link tells which one; moto drops its `connectionId`.

    The provider would set it again in every plan.
    """
    tell, original = Integration.to_json, APIGatewayResponse.put_integration

    def to_json(self: Any) -> dict[str, Any]:
        return tell(self) | {"connectionId": self.connection_id}

    def put_integration(self: Any) -> Any:
        answer = original(self)
        api, resource, method = (self.path.split("/")[number] for number in (2, 4, 6))
        integration = self.backend.get_integration(api, resource, method)
        integration.connection_id = self._get_param("connectionId")
        return answer

    put(Integration, connection_id=None, to_json=to_json)
    put(APIGatewayResponse, put_integration=put_integration)
