"""Patches of API Gateway."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.apigateway.models import Integration, RestAPI
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


@moto_patch
def parse_update_rest_api_disable_execute_api_endpoint() -> None:
    """Parse ``/disableExecuteApiEndpoint`` of UpdateRestApi as a boolean.

    moto 5.2.5: stores true for every value, also for ``false``.

    AWS: the value of a patch operation is a string, ``true`` or ``false``.

    Reason: the provider plans to enable the default endpoint again in every plan.
    """
    original = RestAPI.apply_patch_operations

    def apply_patch_operations(self: Any, patch_operations: list[dict[str, Any]]) -> None:
        original(self, patch_operations)
        for one in patch_operations:
            if one["op"] == "replace" and one["path"] == "/disableExecuteApiEndpoint":
                self.disableExecuteApiEndpoint = one["value"].lower() == "true"

    replace(RestAPI, apply_patch_operations=apply_patch_operations)
