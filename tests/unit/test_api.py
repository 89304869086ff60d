"""The REST API: authorization, validation, private integration, stage and logs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.api import rest_api as module
from lib.api.rest_api import Api
from lib.compute.certificate import Certificate
from lib.compute.load_balancer import LoadBalancer
from lib.networking.network import Network
from lib.settings import load_settings
from lib.system import network_config
from lib.web_stack import api_config
from tests.support.synthesis import DEFAULTS
from tests.support.template import Resource, Template
from tests.unit.conftest import UnitStack

WEB = {
    "TAP_WEB_DOMAIN_NAME": "app.example.com",
    "TAP_WEB_HOSTED_ZONE_ID": "Z0123456789ABCDEFGHIJ",
}
CORS = "Access-Control-"
# All methods with their authorization.
AUTHORIZATION = {
    "Api/RootGet": "AWS_IAM",
    "Api/RootOptions": "NONE",
    "Api/HealthGet": "AWS_IAM",
    "Api/HealthOptions": "NONE",
    "Api/ProxyGet": "AWS_IAM",
    "Api/ProxyPost": "AWS_IAM",
    "Api/ProxyPut": "AWS_IAM",
    "Api/ProxyPatch": "AWS_IAM",
    "Api/ProxyDelete": "AWS_IAM",
    "Api/ProxyOptions": "NONE",
}
WITH_BODY = {"Api/ProxyPost", "Api/ProxyPut", "Api/ProxyPatch"}


def build(stack: UnitStack) -> Template:
    context, web = stack.context, stack.settings.web
    network = Network(stack, "Network", context=context, config=network_config(web))
    certificate = Certificate(
        stack,
        "Certificate",
        context=context,
        domain_name=web.domain_name or "",
        hosted_zone_id=web.hosted_zone_id,
        existing_arn=web.certificate_arn,
    )
    load_balancer = LoadBalancer(
        stack,
        "LoadBalancer",
        context=context,
        network=network,
        certificate=certificate,
        domain_name=web.domain_name or "",
        hosted_zone_id=web.hosted_zone_id,
        tls_policy=web.tls_policy,
        web_acl=web.waf,
    )
    config = api_config(web)
    Api(
        stack,
        "Api",
        context=context,
        network=network,
        load_balancer=load_balancer,
        config=config,
    )
    return stack.template()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Template:
    settings = load_settings(DEFAULTS | WEB, Path("no-such-directory"))
    return build(UnitStack(settings, tmp_path_factory.mktemp("api")))


def methods(template: Template) -> dict[str, Resource]:
    return {method.path: method for method in template.of_type("aws_api_gateway_method")}


def proxied(template: Template) -> Iterator[tuple[Resource, Resource]]:
    """The methods with a proxy integration, each with its integration."""
    for path, method in methods(template).items():
        if AUTHORIZATION[path] == "AWS_IAM":
            yield method, template.get("aws_api_gateway_integration", f"{path}Integration")


# ---- authorization ------------------------------------------------------------------------------


def test_all_methods_except_options_require_a_signature(built: Template) -> None:
    found = {path: method["authorization"] for path, method in methods(built).items()}
    assert found == AUTHORIZATION
    for path, method in methods(built).items():
        assert method["http_method"] == re.sub("Api/(Root|Health|Proxy)", "", path).upper()


def test_methods_belong_to_the_resource_of_their_path(built: Template) -> None:
    root = built.get("aws_api_gateway_rest_api").ref("root_resource_id")
    parts = {one.path: one for one in built.of_type("aws_api_gateway_resource")}
    assert {path: (one["path_part"], one["parent_id"]) for path, one in parts.items()} == {
        "Api/Health": ("health", root),
        "Api/Proxy": ("{proxy+}", root),
    }
    resource_ids = {"Root": root} | {
        path.removeprefix("Api/"): one.ref("id") for path, one in parts.items()
    }
    for path, method in methods(built).items():
        (resource_id,) = [
            id_ for name, id_ in resource_ids.items() if path.startswith(f"Api/{name}")
        ]
        assert method["resource_id"] == resource_id


def test_api_gateway_responds_to_preflight_requests_itself(built: Template) -> None:
    expected = {
        "Api/Root": "GET,OPTIONS",
        "Api/Health": "GET,OPTIONS",
        "Api/Proxy": "GET,POST,PUT,PATCH,DELETE,OPTIONS",
    }
    for path, allowed in expected.items():
        integration = built.get("aws_api_gateway_integration", f"{path}OptionsIntegration")
        assert integration["type"] == "MOCK"
        assert integration["request_templates"] == {"application/json": '{"statusCode": 204}'}
        assert integration["passthrough_behavior"] == "NEVER"
        assert not {"uri", "connection_id"} & set(integration.body)
        response = built.get(
            "aws_api_gateway_integration_response", f"{path}OptionsIntegrationResponse"
        )
        assert response["status_code"] == built.get(
            "aws_api_gateway_method_response", f"{path}OptionsResponse"
        ).ref("status_code")
        headers = {
            name.removeprefix(f"method.response.header.{CORS}"): value
            for name, value in response["response_parameters"].items()
        }
        assert headers == {
            "Allow-Origin": "'https://app.example.com'",
            "Allow-Methods": f"'{allowed}'",
            "Allow-Headers": "'Authorization,Content-Type,X-Amz-Content-Sha256,X-Amz-Date,"
            "X-Amz-Security-Token'",
            "Max-Age": "'3600'",
        }
        declared = built.get("aws_api_gateway_method_response", f"{path}OptionsResponse")
        assert declared["status_code"] == "204"
        assert declared["response_parameters"] == dict.fromkeys(
            response["response_parameters"], True
        )
        assert response["depends_on"] == [integration.address]


def test_error_responses_allow_the_origin(built: Template) -> None:
    responses = built.of_type("aws_api_gateway_gateway_response")
    assert {one["response_type"] for one in responses} == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for one in responses:
        assert one["response_parameters"] == {
            f"gatewayresponse.header.{CORS}Allow-Origin": "'https://app.example.com'"
        }


def test_origin_is_configurable(stack_with: Callable[..., UnitStack]) -> None:
    built = build(stack_with(**WEB, TAP_WEB_API_ORIGIN="https://www.example.com"))
    assert "'https://app.example.com'" not in built.text()
    for one in built.of_type("aws_api_gateway_gateway_response"):
        assert [*one["response_parameters"].values()] == ["'https://www.example.com'"]


# ---- validation ---------------------------------------------------------------------------------


def test_parameters_and_bodies_are_validated(built: Template) -> None:
    body, parameters = (
        built.get("aws_api_gateway_request_validator", f"Api/{name}")
        for name in ("Body", "Parameters")
    )
    flags = ("validate_request_parameters", "validate_request_body")
    assert [[one[flag] for flag in flags] for one in (body, parameters)] == [
        [True, True],
        [True, False],
    ]
    for path, method in methods(built).items():
        validator = body if path in WITH_BODY else parameters
        assert method["request_validator_id"] == validator.ref("id")


def test_bodies_of_every_content_type_must_be_json_objects(built: Template) -> None:
    model = built.get("aws_api_gateway_model")
    assert json.loads(model["schema"])["type"] == "object"
    with_models = {path for path, one in methods(built).items() if one.get("request_models")}
    assert with_models == WITH_BODY
    for path in WITH_BODY:
        assert methods(built)[path]["request_models"] == {"$default": model.ref("name")}


# ---- integration --------------------------------------------------------------------------------


def test_integration_uses_the_vpc_link_and_the_domain_name_of_the_certificate(
    built: Template,
) -> None:
    link = built.get("aws_api_gateway_vpc_link").ref("id")
    uris = {
        "Api/RootGet": "https://app.example.com/",
        "Api/HealthGet": "https://app.example.com/health",
    }
    for method, integration in proxied(built):
        assert integration["type"] == "HTTP_PROXY"
        assert integration["integration_http_method"] == method["http_method"]
        assert (integration["connection_type"], integration["connection_id"]) == ("VPC_LINK", link)
        uri = uris.get(method.path, "https://app.example.com/{proxy}")
        assert integration["uri"] == uri
        greedy = "{proxy}" in uri
        mapping = {"integration.request.path.proxy": "method.request.path.proxy"}
        assert integration.get("request_parameters") == (mapping if greedy else None)
        required = {"method.request.path.proxy": True} if greedy else None
        assert method.get("request_parameters") == required


def test_vpc_link_forwards_to_the_load_balancer_only(built: Template) -> None:
    nlb, alb = (built.get("aws_lb", path) for path in ("Api/Link/Balancer", "LoadBalancer"))
    assert built.get("aws_api_gateway_vpc_link")["target_arns"] == [nlb.ref("arn")]
    assert (nlb["load_balancer_type"], nlb["internal"]) == ("network", True)
    assert nlb["subnets"] == [
        built.get("aws_subnet", f"Network/PrivateSubnet{number}").ref("id") for number in (1, 2)
    ]
    group = built.get("aws_lb_target_group", "Api/Link/TargetGroup")
    assert (group["target_type"], group["port"], group["protocol"]) == ("alb", 443, "TCP")
    assert (group["health_check"]["protocol"], group["health_check"]["path"]) == (
        "HTTPS",
        "/health",
    )
    listener = built.get("aws_lb_listener", "Api/Link/Listener")
    assert listener["load_balancer_arn"] == nlb.ref("arn")
    assert (listener["port"], listener["protocol"]) == (443, "TCP")
    assert listener["default_action"] == [{"type": "forward", "target_group_arn": group.ref("arn")}]
    target = built.get("aws_lb_target_group_attachment")
    assert (target["target_group_arn"], target["target_id"], target["port"]) == (
        group.ref("arn"),
        alb.ref("arn"),
        443,
    )
    # A load balancer without a listener on that port is rejected as a target.
    assert target["depends_on"] == [built.get("aws_lb_listener", "LoadBalancer/Https").address]


def test_vpc_link_has_no_ingress_and_egress_to_port_443_of_the_load_balancer(
    built: Template,
) -> None:
    own, alb = (
        built.get("aws_security_group", path).ref("id")
        for path in ("Api/Link/Group", "LoadBalancer/SecurityGroup")
    )
    nlb = built.get("aws_lb", "Api/Link/Balancer")
    assert nlb["security_groups"] == [own]
    # API Gateway connects from addresses that AWS does not document.
    assert nlb["enforce_security_group_inbound_rules_on_private_link_traffic"] == "off"
    ingress = built.of_type("aws_vpc_security_group_ingress_rule")
    assert own not in {rule["security_group_id"] for rule in ingress}
    (egress,) = built.of_type("aws_vpc_security_group_egress_rule")
    assert (egress["security_group_id"], egress["referenced_security_group_id"]) == (own, alb)
    assert (egress["from_port"], egress["to_port"]) == (443, 443)
    assert [
        (rule["security_group_id"], rule["from_port"])
        for rule in ingress
        if rule.get("referenced_security_group_id") == own
    ] == [(alb, 443)]


def test_names_of_load_balancers_have_at_most_32_characters(
    stack_with: Callable[..., UnitStack],
) -> None:
    built = build(stack_with(**WEB, ENVIRONMENT_SUFFIX="x" * 20))
    for one in (*built.of_type("aws_lb"), *built.of_type("aws_lb_target_group")):
        assert len(one["name"]) + len("web-") <= 32


# ---- the stage ----------------------------------------------------------------------------------


def test_all_parts_of_the_api_trigger_a_deployment(built: Template) -> None:
    deployment = built.get("aws_api_gateway_deployment")
    assert deployment["lifecycle"] == {"create_before_destroy": True}
    others = {"rest_api", "account", "vpc_link", "deployment", "stage", "method_settings"}
    parts = [
        one
        for one in built.resources()
        if one.type.startswith("aws_api_gateway_")
        and one.type.removeprefix("aws_api_gateway_") not in others
    ]
    assert sorted(deployment["depends_on"]) == sorted(part.address for part in parts)
    assert {*deployment["triggers"]} == {part.path.removeprefix("Api/") for part in parts}
    for part in parts:
        trigger = json.loads(deployment["triggers"][part.path.removeprefix("Api/")])
        given = {name: value for name, value in trigger.items() if value is not None}
        arguments = set(part.body) - {"rest_api_id", "depends_on", "//"}
        assert given == {name: part[name] for name in arguments}


def test_changed_argument_changes_the_trigger_of_its_part(
    stack_with: Callable[..., UnitStack], built: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PREFLIGHT_SECONDS", 60)
    changed = build(stack_with(**WEB)).get("aws_api_gateway_deployment")["triggers"]
    before = built.get("aws_api_gateway_deployment")["triggers"]
    assert {name for name in before if before[name] != changed[name]} == {
        f"{path}OptionsIntegrationResponse" for path in ("Root", "Health", "Proxy")
    }


def test_api_is_regional_and_its_stage_is_traced_and_throttled(built: Template) -> None:
    api = built.get("aws_api_gateway_rest_api")
    assert api["endpoint_configuration"] == {"types": ["REGIONAL"]}
    stage = built.get("aws_api_gateway_stage")
    assert stage["stage_name"] == "api-unit"
    assert stage["deployment_id"] == built.get("aws_api_gateway_deployment").ref("id")
    assert stage["xray_tracing_enabled"] is True
    settings = built.get("aws_api_gateway_method_settings")
    assert settings["stage_name"] == stage.ref("stage_name")
    assert settings["method_path"] == "*/*"
    assert settings["settings"] == {
        "throttling_rate_limit": 100,
        "throttling_burst_limit": 200,
        "metrics_enabled": True,
        "logging_level": "ERROR",
        "data_trace_enabled": False,
        "caching_enabled": False,
    }


def test_throttling_is_configurable(stack_with: Callable[..., UnitStack]) -> None:
    limits = {"TAP_WEB_API_REQUESTS_PER_SECOND": "7", "TAP_WEB_API_BURST": "9"}
    found = build(stack_with(**WEB, **limits)).get("aws_api_gateway_method_settings")["settings"]
    assert (found["throttling_rate_limit"], found["throttling_burst_limit"]) == (7, 9)


def test_requests_are_logged_as_json_without_bodies(built: Template) -> None:
    settings = built.get("aws_api_gateway_stage")["access_log_settings"]
    group = built.get("aws_cloudwatch_log_group", "Api/AccessLogs")
    assert settings["destination_arn"] == group.ref("arn")
    assert group["name"] == "/aws/apigateway/api-access-unit"
    fields = json.loads(settings["format"])
    assert {"request_id", "source_ip", "caller", "method", "path", "status"} <= {*fields}
    # API Gateway rejects a format without a request id.
    assert fields["request_id"] == "$context.requestId"
    assert not any("ody" in value or "header" in value for value in fields.values())


def test_stage_depends_on_the_log_group_of_execution_logs(built: Template) -> None:
    api, stage = built.get("aws_api_gateway_rest_api"), built.get("aws_api_gateway_stage")
    group = built.get("aws_cloudwatch_log_group", "Api/ExecutionLogs")
    expected = f"API-Gateway-Execution-Logs_{api.ref('id')}/{stage['stage_name']}"
    assert group["name"] == expected
    assert group["retention_in_days"] == 90
    assert group.address in stage["depends_on"]


def test_stage_depends_on_the_account_role_for_logs(built: Template) -> None:
    role = built.get("aws_iam_role", "Api/LogRole")
    trust = json.loads(role["assume_role_policy"])["Statement"]
    assert trust[0]["Principal"] == {"Service": "apigateway.amazonaws.com"}
    managed = built.get("aws_iam_role_policy_attachment", "Api/LogRole/Managed")
    assert managed["policy_arn"].endswith(
        ":aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    )
    account = built.get("aws_api_gateway_account")
    assert account["cloudwatch_role_arn"] == role.ref("arn")
    assert managed.address in account["depends_on"]
    assert account.address in built.get("aws_api_gateway_stage")["depends_on"]


def test_account_role_is_optional(stack_with: Callable[..., UnitStack]) -> None:
    built = build(stack_with(**WEB, TAP_WEB_API_ACCOUNT_ROLE="false"))
    built.assert_none("aws_api_gateway_account")
    built.assert_none("aws_iam_role")


@pytest.mark.parametrize("waf", ["true", "false"])
def test_suppressions_of_the_stage_depend_on_the_web_acl(
    waf: str, stack_with: Callable[..., UnitStack]
) -> None:
    built = build(stack_with(**WEB, TAP_WEB_WAF=waf))
    stage = built.get("aws_api_gateway_stage")
    assert ("CKV2_AWS_29" in stage.suppressions) is (waf == "false")
    assert ("CKV2_AWS_77" in stage.suppressions) is (waf == "true")
