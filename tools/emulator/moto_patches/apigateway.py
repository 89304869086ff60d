"""Patches of API Gateway."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.apigateway.models import Integration
from moto.apigateway.responses import APIGatewayResponse

from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def store_put_integration_connection_id() -> None:
    """Store ``connectionId`` of PutIntegration and return it.

    moto 5.2.5: PutIntegration ignores ``connectionId``; GetIntegration and GetMethod omit it.

    AWS: returns the id of the VPC link that the integration uses.

    Reason: the provider plans to set the VPC link again in every plan.
    """
    original_to_json = Integration.to_json
    original_put = APIGatewayResponse.put_integration

    def to_json(self: Any) -> dict[str, Any]:
        return original_to_json(self) | {"connectionId": self.connection_id}

    def put_integration(self: Any) -> Any:
        response = original_put(self)
        # /restapis/API/resources/RESOURCE/methods/METHOD/integration
        api, resource, method = (self.path.split("/")[position] for position in (2, 4, 6))
        integration = self.backend.get_integration(api, resource, method)
        integration.connection_id = self._get_param("connectionId")
        return response

    replace(Integration, connection_id=None, to_json=to_json)
    replace(APIGatewayResponse, put_integration=put_integration)
