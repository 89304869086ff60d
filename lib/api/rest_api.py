"""The web application's API: signed requests, led to the load balancer without the internet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from cdktf import ITerraformDependable, TerraformResource, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.api_gateway_account import ApiGatewayAccount
from cdktf_cdktf_provider_aws.api_gateway_deployment import ApiGatewayDeployment
from cdktf_cdktf_provider_aws.api_gateway_gateway_response import ApiGatewayGatewayResponse
from cdktf_cdktf_provider_aws.api_gateway_integration import ApiGatewayIntegration
from cdktf_cdktf_provider_aws.api_gateway_integration_response import (
    ApiGatewayIntegrationResponse,
)
from cdktf_cdktf_provider_aws.api_gateway_method import ApiGatewayMethod
from cdktf_cdktf_provider_aws.api_gateway_method_response import ApiGatewayMethodResponse
from cdktf_cdktf_provider_aws.api_gateway_method_settings import (
    ApiGatewayMethodSettings,
    ApiGatewayMethodSettingsSettings,
)
from cdktf_cdktf_provider_aws.api_gateway_model import ApiGatewayModel
from cdktf_cdktf_provider_aws.api_gateway_request_validator import ApiGatewayRequestValidator
from cdktf_cdktf_provider_aws.api_gateway_resource import ApiGatewayResource
from cdktf_cdktf_provider_aws.api_gateway_rest_api import (
    ApiGatewayRestApi,
    ApiGatewayRestApiEndpointConfiguration,
)
from cdktf_cdktf_provider_aws.api_gateway_stage import (
    ApiGatewayStage,
    ApiGatewayStageAccessLogSettings,
)
from constructs import Construct

from lib.api.link import ApiLink
from lib.compute.load_balancer import HEALTH_PATH, LoadBalancer
from lib.context import Foundation
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.security.roles import ServiceRole
from lib.security.web_acl import NOT_ASKED
from lib.settings import WebSettings
from lib.suppressions import suppress

Part = TypeVar("Part", bound=TerraformResource)

# A row is a path and what may be asked of it; each path answers a browser's OPTIONS too.
METHODS: Mapping[str, tuple[str, ...]] = {
    "/": ("GET",),
    HEALTH_PATH: ("GET",),
    "/{proxy+}": ("GET", "POST", "PUT", "PATCH", "DELETE"),
}
WITH_BODY = ("POST", "PUT", "PATCH")
# The headers that a signed request has beside those every browser may send.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
SIGNED_HEADERS = (
    *("Authorization", "Content-Type", "X-Amz-Content-Sha256"),
    *("X-Amz-Date", "X-Amz-Security-Token"),
)
PREFLIGHT_SECONDS = 3600
ACCESS_LOG = {
    field: f"$context.{variable}"
    for field, variable in {
        "request_id": "requestId",
        "time": "requestTime",
        "source_ip": "identity.sourceIp",
        "caller": "identity.userArn",
        "method": "httpMethod",
        "path": "path",
        "status": "status",
        "response_bytes": "responseLength",
        "latency_ms": "responseLatency",
        "integration_latency_ms": "integrationLatency",
        "integration_status": "integration.status",
        "error": "error.responseType",
        "firewall": "wafResponseCode",
        "trace_id": "xrayTraceId",
    }.items()
}
ANSWER = '{"message":$context.error.messageString}'
LOGGING_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


def cors_origin(web: WebSettings) -> str:
    """The origin that browsers may call the API from; the application answers with it too."""
    return web.api_origin or f"https://{web.domain_name}"


class Api(Construct):
    """Creates a Regional REST API before the application, a stage of it, and its private path.

    Guarantee: nothing but OPTIONS is answered without a signature of this account's IAM (AWS_IAM).
    Browsers send a CORS preflight without credentials, so it cannot be signed; it is answered here
    (MOCK) with the CORS headers alone and reaches nothing behind. The other answers are the
    application's own, which has to send `Access-Control-Allow-Origin` itself, as API Gateway adds
    nothing to what it passes through; its own errors carry the header.

    Bodies must be JSON objects, whatever content type they claim. Requests are throttled by stage,
    logged as JSON without bodies, and traced by X-Ray. Requests go through `link` to the load
    balancer's 443 under the application's name, so TLS is verified end to end. Every change of what
    is deployed makes a new deployment.

    The role by which API Gateway writes logs is one for all APIs of a Region of an account; it is
    set with the setting `web.api_account_role`, and stays set, to a role that is gone, when
    version 5 of the provider destroys it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        balancer: LoadBalancer,
        web: WebSettings,
    ) -> None:
        super().__init__(scope, id_)
        self._foundation, self._settings = foundation, foundation.settings
        self._web = web
        self._triggers: dict[str, str] = {}
        self._parts: list[ITerraformDependable] = []
        self.link = ApiLink(self, "Link", foundation=foundation, network=network, balancer=balancer)
        self.rest_api = ApiGatewayRestApi(
            self,
            "Resource",
            name=self._settings.name("api"),
            description="Signed requests to the web application",
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(types=["REGIONAL"]),
            tags=self._settings.name_tag("api"),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self._build_validation()
        for path, methods in METHODS.items():
            self._build_path(path, methods)
        self._build_errors()
        self.stage = self._build_stage()
        self.stage_arn = self.stage.arn
        self.url = self.stage.invoke_url
        self._throttle_and_log()

    def _deploy(self, make: Callable[..., Part], id_: str, **arguments: object) -> Part:
        """Make a part of the API, which the deployment then waits for and is renewed by."""
        part = make(self, id_, rest_api_id=self.rest_api.id, **arguments)
        arguments.pop("depends_on", None)
        self._triggers[id_] = json.dumps(arguments)
        self._parts.append(part)
        return part

    def _build_validation(self) -> None:
        name = self._settings.name
        self._parameters = self._deploy(
            ApiGatewayRequestValidator,
            "Parameters",
            name=name("api-parameters"),
            validate_request_parameters=True,
            validate_request_body=False,
        )
        self._body = self._deploy(
            ApiGatewayRequestValidator,
            "Body",
            name=name("api-body"),
            validate_request_parameters=True,
            validate_request_body=True,
        )
        self._object = self._deploy(
            ApiGatewayModel,
            "Object",
            name="Object",
            description="Any JSON object",
            content_type="application/json",
            schema=json.dumps(
                {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}
            ),
        )
        suppress(
            self._object,
            since="2026-11",
            reasons={
                "names_end_with_suffix": "A model's name is letters and digits; only its API knows it"
            },
        )

    def _build_path(self, path: str, methods: tuple[str, ...]) -> None:
        id_ = re.sub(r"[^A-Za-z]", "", path.title()) or "Root"
        resource_id = self.rest_api.root_resource_id
        if path != "/":
            resource_id = self._deploy(
                ApiGatewayResource,
                id_,
                parent_id=resource_id,
                path_part=path.removeprefix("/"),
            ).id
        for method in methods:
            self._pass_on(f"{id_}{method.title()}", path, method, resource_id)
        self._answer_preflight(f"{id_}Options", (*methods, "OPTIONS"), resource_id)

    def _pass_on(self, id_: str, path: str, method: str, resource_id: str) -> None:
        with_body, greedy = method in WITH_BODY, "{proxy+}" in path
        validator = self._body if with_body else self._parameters
        asked = self._deploy(
            ApiGatewayMethod,
            id_,
            resource_id=resource_id,
            http_method=method,
            authorization="AWS_IAM",
            request_validator_id=validator.id,
            request_parameters={"method.request.path.proxy": True} if greedy else None,
            # By content type; $default holds for those that are not named, which would not be
            # validated at all.
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
            request_models={"$default": self._object.name} if with_body else None,
        )
        self._deploy(
            ApiGatewayIntegration,
            f"{id_}Integration",
            resource_id=resource_id,
            http_method=asked.http_method,
            type="HTTP_PROXY",
            integration_http_method=method,
            connection_type="VPC_LINK",
            connection_id=self.link.id,
            # The link decides where this goes; the name here is the one the certificate must hold.
            uri=f"https://{self._web.domain_name}{path.replace('{proxy+}', '{proxy}')}",
            request_parameters=(
                {"integration.request.path.proxy": "method.request.path.proxy"} if greedy else None
            ),
        )

    def _answer_preflight(self, id_: str, methods: tuple[str, ...], resource_id: str) -> None:
        headers = {
            "Allow-Origin": cors_origin(self._web),
            "Allow-Methods": ",".join(methods),
            "Allow-Headers": ",".join(SIGNED_HEADERS),
            "Max-Age": str(PREFLIGHT_SECONDS),
        }
        answered = {
            f"method.response.header.Access-Control-{name}": f"'{value}'"
            for name, value in headers.items()
        }
        asked = self._deploy(
            ApiGatewayMethod,
            id_,
            resource_id=resource_id,
            http_method="OPTIONS",
            authorization="NONE",
            request_validator_id=self._parameters.id,
        )
        integration = self._deploy(
            ApiGatewayIntegration,
            f"{id_}Integration",
            resource_id=resource_id,
            http_method=asked.http_method,
            type="MOCK",
            request_templates={"application/json": '{"statusCode": 204}'},
            # Else anybody could cause errors of ours (500) by naming another content type.
            passthrough_behavior="NEVER",
        )
        response = self._deploy(
            ApiGatewayMethodResponse,
            f"{id_}Response",
            resource_id=resource_id,
            http_method=asked.http_method,
            status_code="204",
            response_parameters=dict.fromkeys(answered, True),
        )
        self._deploy(
            ApiGatewayIntegrationResponse,
            f"{id_}IntegrationResponse",
            resource_id=resource_id,
            http_method=asked.http_method,
            status_code=response.status_code,
            response_parameters=answered,
            depends_on=[integration],
        )

    def _build_errors(self) -> None:
        origin = f"'{cors_origin(self._web)}'"
        for kind in ("4XX", "5XX"):
            self._deploy(
                ApiGatewayGatewayResponse,
                f"Default{kind}",
                response_type=f"DEFAULT_{kind}",
                response_templates={"application/json": ANSWER},
                # Without it a browser hides the error from the page that asked.
                response_parameters={"gatewayresponse.header.Access-Control-Allow-Origin": origin},
            )

    def _build_stage(self) -> ApiGatewayStage:
        settings = self._settings
        deployment = ApiGatewayDeployment(
            self,
            "Deployment",
            rest_api_id=self.rest_api.id,
            # A deployment is a picture of what it found, so each part that changes makes a new one.
            triggers=self._triggers,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            depends_on=self._parts,
        )
        access_logs = LogGroup(
            self,
            "AccessLogs",
            foundation=self._foundation,
            path="/aws/apigateway",
            kind="api-access",
        )
        execution_logs = LogGroup(
            self,
            "ExecutionLogs",
            foundation=self._foundation,
            # API Gateway makes a group of this name itself where it is missing.
            path=f"API-Gateway-Execution-Logs_{self.rest_api.id}",
            kind="api",
        )
        stage = ApiGatewayStage(
            self,
            "Stage",
            rest_api_id=self.rest_api.id,
            deployment_id=deployment.id,
            stage_name=settings.name("api"),
            xray_tracing_enabled=True,
            access_log_settings=ApiGatewayStageAccessLogSettings(
                destination_arn=access_logs.arn, format=json.dumps(ACCESS_LOG)
            ),
            tags=settings.name_tag("api-stage"),
            depends_on=[execution_logs.group, *self._let_logs_be_written()],
        )
        suppress(
            stage,
            since="2026-11",
            reasons={
                "CKV_AWS_120": "Answers depend on who signed the request; a cache would mix them up",
                "CKV2_AWS_51": "Callers are known by their IAM signature, not by a certificate",
            },
        )
        if self._web.waf:
            suppress(stage, since="2026-11", reasons={"CKV2_AWS_77": NOT_ASKED})
        else:
            suppress(
                stage,
                since="2026-11",
                reasons={"CKV2_AWS_29": "The setting web.waf switches the firewall off"},
            )
        return stage

    def _let_logs_be_written(self) -> list[ITerraformDependable]:
        if not self._web.api_account_role:
            return []
        role = ServiceRole(
            self,
            "LogRole",
            foundation=self._foundation,
            kind="api-logs-role",
            assumed_by="apigateway",
            description="Lets API Gateway write the logs of this Region's APIs",
            managed_policy=LOGGING_POLICY,
        )
        # API Gateway tries the role when it is set.
        return [
            ApiGatewayAccount(
                self, "Account", cloudwatch_role_arn=role.arn, depends_on=role.permissions
            )
        ]

    def _throttle_and_log(self) -> None:
        settings = ApiGatewayMethodSettings(
            self,
            "Settings",
            rest_api_id=self.rest_api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                throttling_rate_limit=self._web.api_requests_per_second,
                throttling_burst_limit=self._web.api_burst,
                metrics_enabled=True,
                logging_level="ERROR",
                # Traces would hold bodies and signatures.
                data_trace_enabled=False,
                caching_enabled=False,
            ),
        )
        suppress(
            settings,
            since="2026-11",
            reasons={
                "CKV_AWS_225": "Answers depend on who signed the request; a cache would mix them up"
            },
        )
