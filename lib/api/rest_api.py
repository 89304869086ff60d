"""REST APIs with IAM authorization and a private integration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from lib.context import Context
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.security.roles import ServiceRole
from lib.security.web_acl import ANONYMOUS_IP_LIST_REASON
from lib.suppressions import suppress

Part = TypeVar("Part", bound=TerraformResource)

# The methods of each path; OPTIONS is added to every path.
METHODS: Mapping[str, tuple[str, ...]] = {
    "/": ("GET",),
    HEALTH_PATH: ("GET",),
    "/{proxy+}": ("GET", "POST", "PUT", "PATCH", "DELETE"),
}
WITH_BODY = ("POST", "PUT", "PATCH")
# The headers of a signed request that CORS has to allow.
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
ERROR_TEMPLATE = '{"message":$context.error.messageString}'
LOGGING_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, kw_only=True)
class ApiConfig:
    """Configuration of an API.

    `domain_name` is the name in the certificate of the load balancer, `origin` the origin that may
    call the API from a browser (CORS). `account_role` sets the role with which API Gateway writes
    logs, of which an account has one per Region. `web_acl` states whether a web ACL is associated.
    """

    domain_name: str
    origin: str
    requests_per_second: int = 100
    burst: int = 200
    account_role: bool = True
    web_acl: bool = True


class Api(Construct):
    """Creates a Regional REST API with a stage and a private integration with a load balancer.

    Guarantee: every method except OPTIONS requires a signature of IAM in this account (AWS_IAM).
    Browsers send a CORS preflight request without credentials, so it cannot be signed: API Gateway
    responds itself (MOCK) with the CORS headers. The application sends
    `Access-Control-Allow-Origin` in its own responses, because API Gateway does not add headers to
    proxied responses; error responses of API Gateway contain the header.

    Request bodies must be JSON objects, for every content type. The stage throttles requests, logs
    them as JSON without bodies and traces them with X-Ray. Requests go through `link` to port 443
    of the load balancer with the application's domain name, so TLS is verified end to end. Every
    change creates a new deployment.

    Version 5 of the provider does not reset the account role when it is destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        load_balancer: LoadBalancer,
        config: ApiConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config = context, config
        self._triggers: dict[str, str] = {}
        self._parts: list[ITerraformDependable] = []
        self.link = ApiLink(
            self, "Link", context=context, network=network, load_balancer=load_balancer
        )
        self.rest_api = ApiGatewayRestApi(
            self,
            "Resource",
            name=self._context.name("api"),
            description="Signed requests to the web application",
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(types=["REGIONAL"]),
            tags=self._context.name_tag("api"),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self._create_validation()
        for path, methods in METHODS.items():
            self._create_path(path, methods)
        self._create_error_responses()
        self.stage = self._create_stage()
        self.stage_arn = self.stage.arn
        self.url = self.stage.invoke_url
        self._create_method_settings()

    def _deploy(self, resource_class: Callable[..., Part], id_: str, **arguments: object) -> Part:
        """Create a part of the API; a change of the part replaces the deployment."""
        part = resource_class(self, id_, rest_api_id=self.rest_api.id, **arguments)
        arguments.pop("depends_on", None)
        self._triggers[id_] = json.dumps(arguments)
        self._parts.append(part)
        return part

    def _create_validation(self) -> None:
        name = self._context.name
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
                "names_end_with_suffix": (
                    "The name of a model has letters and digits only, and is unique within its API"
                )
            },
        )

    def _create_path(self, path: str, methods: tuple[str, ...]) -> None:
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
            self._create_proxy_method(f"{id_}{method.title()}", path, method, resource_id)
        self._create_preflight_method(f"{id_}Options", (*methods, "OPTIONS"), resource_id)

    def _create_proxy_method(self, id_: str, path: str, method: str, resource_id: str) -> None:
        with_body, greedy = method in WITH_BODY, "{proxy+}" in path
        validator = self._body if with_body else self._parameters
        resource = self._deploy(
            ApiGatewayMethod,
            id_,
            resource_id=resource_id,
            http_method=method,
            authorization="AWS_IAM",
            request_validator_id=validator.id,
            request_parameters={"method.request.path.proxy": True} if greedy else None,
            # $default applies to every content type that is not listed; without it such bodies are
            # not validated.
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
            request_models={"$default": self._object.name} if with_body else None,
        )
        self._deploy(
            ApiGatewayIntegration,
            f"{id_}Integration",
            resource_id=resource_id,
            http_method=resource.http_method,
            type="HTTP_PROXY",
            integration_http_method=method,
            connection_type="VPC_LINK",
            connection_id=self.link.id,
            # The VPC link determines the target; this name must be in the certificate.
            uri=f"https://{self._config.domain_name}{path.replace('{proxy+}', '{proxy}')}",
            request_parameters=(
                {"integration.request.path.proxy": "method.request.path.proxy"} if greedy else None
            ),
        )

    def _create_preflight_method(
        self, id_: str, methods: tuple[str, ...], resource_id: str
    ) -> None:
        headers = {
            "Allow-Origin": self._config.origin,
            "Allow-Methods": ",".join(methods),
            "Allow-Headers": ",".join(SIGNED_HEADERS),
            "Max-Age": str(PREFLIGHT_SECONDS),
        }
        answered = {
            f"method.response.header.Access-Control-{name}": f"'{value}'"
            for name, value in headers.items()
        }
        resource = self._deploy(
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
            http_method=resource.http_method,
            type="MOCK",
            request_templates={"application/json": '{"statusCode": 204}'},
            # Otherwise another content type results in status 500.
            passthrough_behavior="NEVER",
        )
        response = self._deploy(
            ApiGatewayMethodResponse,
            f"{id_}Response",
            resource_id=resource_id,
            http_method=resource.http_method,
            status_code="204",
            response_parameters=dict.fromkeys(answered, True),
        )
        self._deploy(
            ApiGatewayIntegrationResponse,
            f"{id_}IntegrationResponse",
            resource_id=resource_id,
            http_method=resource.http_method,
            status_code=response.status_code,
            response_parameters=answered,
            depends_on=[integration],
        )

    def _create_error_responses(self) -> None:
        origin = f"'{self._config.origin}'"
        for kind in ("4XX", "5XX"):
            self._deploy(
                ApiGatewayGatewayResponse,
                f"Default{kind}",
                response_type=f"DEFAULT_{kind}",
                response_templates={"application/json": ERROR_TEMPLATE},
                # Without it a browser does not show the error to the calling page.
                response_parameters={"gatewayresponse.header.Access-Control-Allow-Origin": origin},
            )

    def _create_stage(self) -> ApiGatewayStage:
        context = self._context
        deployment = ApiGatewayDeployment(
            self,
            "Deployment",
            rest_api_id=self.rest_api.id,
            # A deployment is a snapshot of the API: every change requires a new one.
            triggers=self._triggers,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            depends_on=self._parts,
        )
        access_logs = LogGroup(
            self,
            "AccessLogs",
            context=self._context,
            path="/aws/apigateway",
            kind="api-access",
        )
        execution_logs = LogGroup(
            self,
            "ExecutionLogs",
            context=self._context,
            # API Gateway creates a log group with this name if it is missing.
            path=f"API-Gateway-Execution-Logs_{self.rest_api.id}",
            kind="api",
        )
        stage = ApiGatewayStage(
            self,
            "Stage",
            rest_api_id=self.rest_api.id,
            deployment_id=deployment.id,
            stage_name=context.name("api"),
            xray_tracing_enabled=True,
            access_log_settings=ApiGatewayStageAccessLogSettings(
                destination_arn=access_logs.arn, format=json.dumps(ACCESS_LOG)
            ),
            tags=context.name_tag("api-stage"),
            depends_on=[execution_logs.group, *self._allow_logging()],
        )
        suppress(
            stage,
            since="2026-11",
            reasons={
                "CKV_AWS_120": "Responses depend on the caller and must not be cached",
                "CKV2_AWS_51": "Callers are authenticated by their IAM signature",
            },
        )
        if self._config.web_acl:
            suppress(stage, since="2026-11", reasons={"CKV2_AWS_77": ANONYMOUS_IP_LIST_REASON})
        else:
            suppress(
                stage,
                since="2026-11",
                reasons={"CKV2_AWS_29": "The configuration has no web ACL"},
            )
        return stage

    def _allow_logging(self) -> list[ITerraformDependable]:
        if not self._config.account_role:
            return []
        role = ServiceRole(
            self,
            "LogRole",
            context=self._context,
            kind="api-logs-role",
            assumed_by="apigateway",
            description="Lets API Gateway write the logs of this Region's APIs",
            managed_policy=LOGGING_POLICY,
        )
        # API Gateway uses the role when it is set.
        return [
            ApiGatewayAccount(
                self, "Account", cloudwatch_role_arn=role.arn, depends_on=role.permissions
            )
        ]

    def _create_method_settings(self) -> None:
        settings = ApiGatewayMethodSettings(
            self,
            "Settings",
            rest_api_id=self.rest_api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                throttling_rate_limit=self._config.requests_per_second,
                throttling_burst_limit=self._config.burst,
                metrics_enabled=True,
                logging_level="ERROR",
                # Traces contain bodies and signatures.
                data_trace_enabled=False,
                caching_enabled=False,
            ),
        )
        suppress(
            settings,
            since="2026-11",
            reasons={"CKV_AWS_225": "Responses depend on the caller and must not be cached"},
        )
