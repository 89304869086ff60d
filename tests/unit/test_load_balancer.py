"""The load balancer: listeners, ingress, logs and DNS record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib.compute.certificate import Certificate
from lib.compute.load_balancer import LoadBalancer
from lib.networking.network import Network
from lib.system import network_config
from tests.support.template import Template, belonging
from tests.unit.conftest import UnitStack

ZONE = "Z0123456789ABCDEFGHIJ"
WEB = {"TAP_WEB_DOMAIN_NAME": "app.example.com", "TAP_WEB_HOSTED_ZONE_ID": ZONE}


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
    LoadBalancer(
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
    return stack.template()


@pytest.fixture
def built(stack_with: Callable[..., UnitStack]) -> Template:
    return build(stack_with(**WEB))


def test_load_balancer_is_in_the_public_subnets(built: Template) -> None:
    alb = built.get("aws_lb", "LoadBalancer")
    assert (alb["load_balancer_type"], alb["internal"]) == ("application", False)
    assert alb["subnets"] == [
        built.get("aws_subnet", f"Network/PublicSubnet{number}").ref("id") for number in (1, 2)
    ]
    assert alb["drop_invalid_header_fields"] is True
    assert alb["desync_mitigation_mode"] == "strictest"
    assert alb["enable_deletion_protection"] is False
    assert "no_public_access" in alb.suppressions
    assert built.get("aws_internet_gateway").address in alb["depends_on"]


def test_names_have_at_most_32_characters(stack_with: Callable[..., UnitStack]) -> None:
    built = build(stack_with(**WEB, ENVIRONMENT_SUFFIX="x" * 20))
    # Names of this stack lack the prefix of WebStack.
    for one in (built.get("aws_lb"), built.get("aws_lb_target_group")):
        assert len(one["name"]) + len("web-") <= 32


def test_https_listener_uses_certificate_and_tls_policy(built: Template) -> None:
    https = built.get("aws_lb_listener", "LoadBalancer/Https")
    assert (https["port"], https["protocol"]) == (443, "HTTPS")
    assert https["load_balancer_arn"] == built.get("aws_lb").ref("arn")
    assert https["ssl_policy"] == "ELBSecurityPolicy-TLS-1-2-Ext-2018-06"
    issued = built.get("aws_acm_certificate_validation").ref("certificate_arn")
    assert https["certificate_arn"] == issued
    target = built.get("aws_lb_target_group").ref("arn")
    assert https["default_action"] == [{"type": "forward", "target_group_arn": target}]


def test_tls_policy_is_configurable(stack_with: Callable[..., UnitStack]) -> None:
    policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    built = build(stack_with(**WEB, TAP_WEB_TLS_POLICY=policy))
    assert built.get("aws_lb_listener", "LoadBalancer/Https")["ssl_policy"] == policy


def test_http_listener_redirects_to_https(built: Template) -> None:
    http = built.get("aws_lb_listener", "LoadBalancer/Http")
    assert (http["port"], http["protocol"]) == (80, "HTTP")
    redirect = {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}
    assert http["default_action"] == [{"type": "redirect", "redirect": redirect}]


def test_targets_are_instances_with_a_health_check(built: Template) -> None:
    group = built.get("aws_lb_target_group", "LoadBalancer/TargetGroup")
    assert (group["target_type"], group["port"], group["protocol"]) == ("instance", 80, "HTTP")
    assert group["deregistration_delay"] == "60"
    health = group["health_check"]
    assert (health["path"], health["protocol"], health["matcher"]) == ("/health", "HTTP", "200")


def test_ingress_is_from_the_internet_and_egress_is_denied(built: Template) -> None:
    group = built.get("aws_security_group", "LoadBalancer/SecurityGroup").ref("id")
    rules = [
        rule
        for rule in built.of_type("aws_vpc_security_group_ingress_rule")
        if rule["security_group_id"] == group
    ]
    allowed_ports = {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for rule in rules}
    assert allowed_ports == {("0.0.0.0/0", 80, 80), ("0.0.0.0/0", 443, 443)}
    assert all("restrict_ingress" in rule.suppressions for rule in rules)
    built.assert_none("aws_vpc_security_group_egress_rule")
    assert built.get("aws_lb")["security_groups"] == [group]


def test_requests_are_logged_to_a_bucket(built: Template) -> None:
    bucket = built.get("aws_s3_bucket", "LoadBalancer/Logs")
    alb = built.get("aws_lb")
    assert alb["access_logs"] == {"bucket": bucket.ref("id"), "enabled": True}
    policy = built.get("aws_s3_bucket_policy", "LoadBalancer/Logs/Policy")
    # Elastic Load Balancing writes a test object when the load balancer is created.
    assert policy.address in alb["depends_on"]
    allowed = policy.statements()["AWSLogDeliveryWrite"]
    assert allowed == {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{bucket.ref('arn')}/AWSLogs/{built.account_id}/*",
    }
    assert "DenyDeletionWithoutMfa" in policy.statements()
    (encryption,) = belonging(built, bucket, "aws_s3_bucket_server_side_encryption_configuration")
    (rule,) = encryption["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
    assert belonging(built, bucket, "aws_s3_bucket_logging")


def test_alias_record_refers_to_the_load_balancer(built: Template) -> None:
    alb = built.get("aws_lb")
    record = built.get("aws_route53_record", "LoadBalancer/Name")
    assert (record["name"], record["type"]) == ("app.example.com", "A")
    assert record["zone_id"] == ZONE
    assert record["alias"] == {
        "name": alb.ref("dns_name"),
        "zone_id": alb.ref("zone_id"),
        "evaluate_target_health": True,
    }


def test_without_a_hosted_zone_no_record_is_created(
    stack_with: Callable[..., UnitStack],
) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/one"
    built = build(stack_with(TAP_WEB_DOMAIN_NAME="app.example.com", TAP_WEB_CERTIFICATE_ARN=arn))
    built.assert_none("aws_route53_record")
    assert built.get("aws_lb_listener", "LoadBalancer/Https")["certificate_arn"] == arn


@pytest.mark.parametrize("waf", ["true", "false"])
def test_suppressions_of_the_load_balancer_depend_on_the_web_acl(
    waf: str, stack_with: Callable[..., UnitStack]
) -> None:
    built = build(stack_with(**WEB, TAP_WEB_WAF=waf))
    suppressions = built.get("aws_lb").suppressions
    assert ("CKV2_AWS_28" in suppressions, "CKV2_AWS_76" in suppressions) == (
        waf == "false",
        waf == "true",
    )
