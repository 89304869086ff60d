"""The deployed entry points of the web application: certificate, load balancer, web ACL, API, and
the private path from the methods of the API to the target group of the instances."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.api.rest_api import METHODS, SIGNED_HEADERS
from lib.security.web_acl import MANAGED_RULE_GROUPS, REDACTED_HEADERS
from tests.integration.conftest import Environment
from tools.emulator import ACCOUNT_ID

SIGNED = [(path, method) for path, methods in METHODS.items() for method in methods]


@pytest.fixture(scope="module")
def domain_name(web: Environment) -> str:
    return web.variables["TAP_WEB_DOMAIN_NAME"]


def load_balancer(web: Environment, kind: str) -> Any:
    elbv2 = web.client("elbv2")
    (found,) = elbv2.describe_load_balancers(Names=[web.name(kind)])["LoadBalancers"]
    return found


def listeners(web: Environment, load_balancer_arn: str) -> dict[int, dict[str, Any]]:
    found = web.client("elbv2").describe_listeners(LoadBalancerArn=load_balancer_arn)["Listeners"]
    return {one["Port"]: one for one in found}


def attributes(web: Environment, load_balancer_arn: str) -> dict[str, str]:
    found = web.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=load_balancer_arn)
    return {one["Key"]: one["Value"] for one in found["Attributes"]}


def rest_api(web: Environment) -> Any:
    found = web.client("apigateway").get_rest_apis(limit=500)["items"]
    (one,) = [api for api in found if api["name"] == web.name("api")]
    assert one["endpointConfiguration"]["types"] == ["REGIONAL"]
    return one["id"]


def stage(web: Environment) -> Any:
    api = web.client("apigateway")
    return api.get_stage(restApiId=rest_api(web), stageName=web.name("api"))


@pytest.fixture(scope="module")
def methods(web: Environment) -> dict[tuple[str, str], dict[str, Any]]:
    """The methods of the API by path and verb, as API Gateway describes them."""
    api, id_ = web.client("apigateway"), rest_api(web)
    return {
        (resource["path"], verb): api.get_method(
            restApiId=id_, resourceId=resource["id"], httpMethod=verb
        )
        for resource in api.get_resources(restApiId=id_, limit=500)["items"]
        for verb in resource.get("resourceMethods", {})
    }


# ---- certificate and name -----------------------------------------------------------------------


def test_certificate_is_validated_through_the_hosted_zone(
    web: Environment, domain_name: str
) -> None:
    acm = web.client("acm")
    found = acm.list_certificates()["CertificateSummaryList"]
    (arn,) = [one["CertificateArn"] for one in found if one["DomainName"] == domain_name]
    certificate = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert certificate["Status"] == "ISSUED"
    (option,) = certificate["DomainValidationOptions"]
    assert option["ValidationMethod"] == "DNS"
    wanted = option["ResourceRecord"]
    record = records(web)[wanted["Name"].rstrip("."), wanted["Type"]]
    assert [one["Value"] for one in record["ResourceRecords"]] == [wanted["Value"]]
    assert listeners(web, load_balancer(web, "alb")["LoadBalancerArn"])[443]["Certificates"] == [
        {"CertificateArn": arn}
    ]


def records(web: Environment) -> dict[tuple[str, str], dict[str, Any]]:
    found = web.client("route53").list_resource_record_sets(
        HostedZoneId=web.variables["TAP_WEB_HOSTED_ZONE_ID"]
    )["ResourceRecordSets"]
    return {(one["Name"].rstrip("."), one["Type"]): one for one in found}


def test_alias_record_points_to_the_load_balancer(web: Environment, domain_name: str) -> None:
    alias = records(web)[domain_name, "A"]["AliasTarget"]
    found = load_balancer(web, "alb")
    assert alias["DNSName"].rstrip(".") == found["DNSName"]
    assert alias["HostedZoneId"] == found["CanonicalHostedZoneId"]
    assert alias["EvaluateTargetHealth"] is True


# ---- load balancer ------------------------------------------------------------------------------


def test_load_balancer_is_in_the_public_subnets(web: Environment) -> None:
    found = load_balancer(web, "alb")
    assert (found["Type"], found["Scheme"]) == ("application", "internet-facing")
    subnets = {one["SubnetId"] for one in found["AvailabilityZones"]}
    assert subnets == {*web.outputs["public_subnet_ids"]}
    kept = attributes(web, found["LoadBalancerArn"])
    assert kept["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert kept["routing.http.desync_mitigation_mode"] == "strictest"
    assert kept["deletion_protection.enabled"] == "false"


def test_load_balancer_logs_requests_to_a_bucket_that_elb_can_write(web: Environment) -> None:
    kept = attributes(web, load_balancer(web, "alb")["LoadBalancerArn"])
    assert kept["access_logs.s3.enabled"] == "true"
    bucket = kept["access_logs.s3.bucket"]
    assert bucket == f"{web.name('balancer-logs')}-{ACCOUNT_ID}"
    s3 = web.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    (allowed,) = [one for one in statements if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert allowed["Resource"] == f"arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT_ID}/*"


def test_https_forwards_and_http_redirects(web: Environment) -> None:
    found = listeners(web, load_balancer(web, "alb")["LoadBalancerArn"])
    assert {*found} == {80, 443}
    assert (found[443]["Protocol"], found[443]["SslPolicy"]) == (
        "HTTPS",
        web.variables.get("TAP_WEB_TLS_POLICY", "ELBSecurityPolicy-TLS-1-2-Ext-2018-06"),
    )
    (forward,) = found[443]["DefaultActions"]
    assert forward["Type"] == "forward"
    elbv2 = web.client("elbv2")
    (group,) = elbv2.describe_target_groups(TargetGroupArns=[forward["TargetGroupArn"]])[
        "TargetGroups"
    ]
    assert (group["TargetType"], group["Protocol"], group["Port"]) == ("instance", "HTTP", 80)
    assert (group["HealthCheckPath"], group["Matcher"]["HttpCode"]) == ("/health", "200")
    (redirect,) = found[80]["DefaultActions"]
    assert redirect["Type"] == "redirect"
    sent = redirect["RedirectConfig"]
    assert (sent["Protocol"], sent["Port"], sent["StatusCode"]) == ("HTTPS", "443", "HTTP_301")


# ---- web ACL ------------------------------------------------------------------------------------


def test_web_acl_protects_load_balancer_and_api(web: Environment) -> None:
    wafv2 = web.client("wafv2")
    stage_arn = f"arn:aws:apigateway:us-east-1::/restapis/{rest_api(web)}/stages/"
    protected = (
        load_balancer(web, "alb")["LoadBalancerArn"],
        stage_arn + stage(web)["stageName"],
    )
    for arn in protected:
        found = wafv2.get_web_acl_for_resource(ResourceArn=arn)["WebACL"]
        assert found["Name"] == web.name("firewall")
        rules = sorted(found["Rules"], key=lambda rule: rule["Priority"])
        groups = [one["Statement"]["ManagedRuleGroupStatement"] for one in rules]
        assert [one["Name"] for one in groups] == [*MANAGED_RULE_GROUPS]
        assert [one["OverrideAction"] for one in rules] == [{"None": {}}] * len(groups)
        assert found["DefaultAction"] == {"Allow": {}}


def test_web_acl_logs_redact_credentials(web: Environment) -> None:
    wafv2 = web.client("wafv2")
    arn = load_balancer(web, "alb")["LoadBalancerArn"]
    web_acl = wafv2.get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["ARN"]
    logging = wafv2.get_logging_configuration(ResourceArn=web_acl)["LoggingConfiguration"]
    redacted = [one["SingleHeader"]["Name"] for one in logging["RedactedFields"]]
    assert sorted(redacted) == sorted(REDACTED_HEADERS)
    (destination,) = logging["LogDestinationConfigs"]
    group = f"aws-waf-logs-regional/{web.name('firewall')}"
    assert destination.removesuffix(":*").endswith(f":log-group:{group}")
    assert log_group(web, group)


def log_group(web: Environment, group: str) -> Any:
    """A log group, after assertions on its encryption and its retention."""
    found = web.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    (one,) = [each for each in found if each["logGroupName"] == group]
    assert one["kmsKeyId"] == web.outputs["kms_key_arn"]
    assert one["retentionInDays"] == 90
    return one


# ---- API: authorization and validation ----------------------------------------------------------


def test_all_methods_except_options_require_iam_authorization(
    methods: dict[tuple[str, str], dict[str, Any]],
) -> None:
    expected = dict.fromkeys(SIGNED, "AWS_IAM") | {(path, "OPTIONS"): "NONE" for path in METHODS}
    assert {key: method["authorizationType"] for key, method in methods.items()} == expected


@pytest.mark.parametrize("path", METHODS)
def test_preflight_requests_have_a_mock_integration(
    path: str, methods: dict[tuple[str, str], dict[str, Any]], domain_name: str
) -> None:
    integration = methods[path, "OPTIONS"]["methodIntegration"]
    assert integration["type"] == "MOCK"
    (answer,) = integration["integrationResponses"].values()
    headers = {
        key.rpartition(".")[2]: value.strip("'")
        for key, value in answer["responseParameters"].items()
    }
    assert headers["Access-Control-Allow-Origin"] == f"https://{domain_name}"
    assert headers["Access-Control-Allow-Methods"].split(",") == [*METHODS[path], "OPTIONS"]
    assert headers["Access-Control-Allow-Headers"].split(",") == [*SIGNED_HEADERS]
    declared = methods[path, "OPTIONS"]["methodResponses"]["204"]["responseParameters"]
    assert {*declared} == {*answer["responseParameters"]}


def test_parameters_and_bodies_are_validated(
    web: Environment, methods: dict[tuple[str, str], dict[str, Any]]
) -> None:
    api, id_ = web.client("apigateway"), rest_api(web)
    validators = {
        one["id"]: (one["validateRequestParameters"], one.get("validateRequestBody", False))
        for one in api.get_request_validators(restApiId=id_)["items"]
    }
    for (path, verb), method in methods.items():
        with_body = verb in ("POST", "PUT", "PATCH")
        assert validators[method["requestValidatorId"]] == (True, with_body), (path, verb)
        models = method.get("requestModels") or {}
        assert models == ({"$default": "Object"} if with_body else {}), (path, verb)
    model = api.get_model(restApiId=id_, modelName="Object")
    assert json.loads(model["schema"])["type"] == "object"


def test_error_responses_have_the_allowed_origin(web: Environment, domain_name: str) -> None:
    api, id_ = web.client("apigateway"), rest_api(web)
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        answer = api.get_gateway_response(restApiId=id_, responseType=kind)
        assert answer["responseParameters"] == {
            "gatewayresponse.header.Access-Control-Allow-Origin": f"'https://{domain_name}'"
        }


# ---- API: the stage -----------------------------------------------------------------------------


def test_stage_has_the_newest_deployment_with_tracing_and_throttling(web: Environment) -> None:
    found, api = stage(web), web.client("apigateway")
    deployments = api.get_deployments(restApiId=rest_api(web))["items"]
    assert [one["id"] for one in deployments] == [found["deploymentId"]]
    assert found["tracingEnabled"] is True
    settings = found["methodSettings"]["*/*"]
    assert settings["throttlingRateLimit"] == 100
    assert settings["throttlingBurstLimit"] == 200
    assert settings["loggingLevel"] == "ERROR"
    assert settings["dataTraceEnabled"] is False
    assert settings["metricsEnabled"] is True


def test_stage_logs_to_encrypted_log_groups(web: Environment) -> None:
    found = stage(web)
    log = found["accessLogSettings"]
    group = log_group(web, f"/aws/apigateway/{web.name('api-access')}")
    assert log["destinationArn"].removesuffix(":*") == group["arn"].removesuffix(":*")
    assert json.loads(log["format"])["request_id"] == "$context.requestId"
    assert log_group(web, f"API-Gateway-Execution-Logs_{rest_api(web)}/{found['stageName']}")


def test_api_gateway_account_role_writes_logs(web: Environment) -> None:
    arn = web.client("apigateway").get_account()["cloudwatchRoleArn"]
    role = arn.rpartition("/")[2]
    assert role == web.name("api-logs-role")
    attached = web.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert "AmazonAPIGatewayPushToCloudWatchLogs" in {one["PolicyName"] for one in attached}


# ---- API: the private path ----------------------------------------------------------------------


@pytest.mark.parametrize(("path", "verb"), SIGNED)
def test_methods_reach_the_target_group_through_the_vpc_link(
    path: str,
    verb: str,
    web: Environment,
    methods: dict[tuple[str, str], dict[str, Any]],
    domain_name: str,
) -> None:
    integration = methods[path, verb]["methodIntegration"]
    assert (integration["type"], integration["httpMethod"]) == ("HTTP_PROXY", verb)
    # API Gateway verifies the certificate for this name.
    assert integration["uri"] == f"https://{domain_name}{path.replace('{proxy+}', '{proxy}')}"
    assert integration["connectionType"] == "VPC_LINK"
    link = web.client("apigateway").get_vpc_link(vpcLinkId=integration["connectionId"])
    assert link["status"] == "AVAILABLE"
    inner, outer = load_balancer(web, "nlb"), load_balancer(web, "alb")
    assert link["targetArns"] == [inner["LoadBalancerArn"]]
    assert (inner["Type"], inner["Scheme"]) == ("network", "internal")
    subnets = {one["SubnetId"] for one in inner["AvailabilityZones"]}
    assert subnets == {*web.outputs["private_subnet_ids"]}

    (listener,) = listeners(web, inner["LoadBalancerArn"]).values()
    assert (listener["Port"], listener["Protocol"]) == (443, "TCP")
    (action,) = listener["DefaultActions"]
    elbv2, group_arn = web.client("elbv2"), action["TargetGroupArn"]
    (group,) = elbv2.describe_target_groups(TargetGroupArns=[group_arn])["TargetGroups"]
    assert (group["TargetType"], group["HealthCheckProtocol"]) == ("alb", "HTTPS")
    health = elbv2.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
    assert [(one["Target"]["Id"], one["Target"]["Port"]) for one in health] == [
        (outer["LoadBalancerArn"], 443)
    ]
    assert 443 in listeners(web, outer["LoadBalancerArn"])


def test_link_security_group_has_only_egress_on_443(web: Environment) -> None:
    (own,), (outer,) = (
        load_balancer(web, "nlb")["SecurityGroups"],
        load_balancer(web, "alb")["SecurityGroups"],
    )
    rules = web.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [own]}]
    )["SecurityGroupRules"]
    assert [
        (one["IsEgress"], one["FromPort"], one["ToPort"], one["ReferencedGroupInfo"]["GroupId"])
        for one in rules
    ] == [(True, 443, 443, outer)]
