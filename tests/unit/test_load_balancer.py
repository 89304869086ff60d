"""The load balancer: what it lets in, what it answers, and what it writes down."""

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


def test_stands_in_the_public_subnets(built: Template) -> None:
    balancer = built.get("aws_lb", "LoadBalancer")
    assert (balancer["load_balancer_type"], balancer["internal"]) == ("application", False)
    assert balancer["subnets"] == [
        built.get("aws_subnet", f"Network/PublicSubnet{number}").ref("id") for number in (1, 2)
    ]
    assert balancer["drop_invalid_header_fields"] is True
    assert balancer["desync_mitigation_mode"] == "strictest"
    assert balancer["enable_deletion_protection"] is False
    assert "no_public_access" in balancer.suppressions
    assert built.get("aws_internet_gateway").address in balancer["depends_on"]


def test_names_stay_within_32_characters(stack_with: Callable[..., UnitStack]) -> None:
    built = build(stack_with(**WEB, ENVIRONMENT_SUFFIX="x" * 20))
    # The system's prefix of four characters is not among these names.
    for one in (built.get("aws_lb"), built.get("aws_lb_target_group")):
        assert len(one["name"]) + len("web-") <= 32


def test_https_answers_under_the_policy_with_the_certificate(built: Template) -> None:
    https = built.get("aws_lb_listener", "LoadBalancer/Https")
    assert (https["port"], https["protocol"]) == (443, "HTTPS")
    assert https["load_balancer_arn"] == built.get("aws_lb").ref("arn")
    assert https["ssl_policy"] == "ELBSecurityPolicy-TLS-1-2-Ext-2018-06"
    issued = built.get("aws_acm_certificate_validation").ref("certificate_arn")
    assert https["certificate_arn"] == issued
    target = built.get("aws_lb_target_group").ref("arn")
    assert https["default_action"] == [{"type": "forward", "target_group_arn": target}]


def test_the_tls_policy_is_a_setting(stack_with: Callable[..., UnitStack]) -> None:
    policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    built = build(stack_with(**WEB, TAP_WEB_TLS_POLICY=policy))
    assert built.get("aws_lb_listener", "LoadBalancer/Https")["ssl_policy"] == policy


def test_http_is_sent_on_to_https_for_good(built: Template) -> None:
    http = built.get("aws_lb_listener", "LoadBalancer/Http")
    assert (http["port"], http["protocol"]) == (80, "HTTP")
    redirect = {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}
    assert http["default_action"] == [{"type": "redirect", "redirect": redirect}]


def test_targets_are_instances_that_are_healthy(built: Template) -> None:
    group = built.get("aws_lb_target_group", "LoadBalancer/TargetGroup")
    assert (group["target_type"], group["port"], group["protocol"]) == ("instance", 80, "HTTP")
    assert group["deregistration_delay"] == "60"
    health = group["health_check"]
    assert (health["path"], health["protocol"], health["matcher"]) == ("/health", "HTTP", "200")


def test_lets_the_internet_in_and_nothing_out(built: Template) -> None:
    group = built.get("aws_security_group", "LoadBalancer/SecurityGroup").ref("id")
    rules = [
        rule
        for rule in built.of_type("aws_vpc_security_group_ingress_rule")
        if rule["security_group_id"] == group
    ]
    opened = {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for rule in rules}
    assert opened == {("0.0.0.0/0", 80, 80), ("0.0.0.0/0", 443, 443)}
    assert all("restrict_ingress" in rule.suppressions for rule in rules)
    built.assert_none("aws_vpc_security_group_egress_rule")
    assert built.get("aws_lb")["security_groups"] == [group]


def test_requests_are_logged_to_a_bucket_of_their_own(built: Template) -> None:
    bucket = built.get("aws_s3_bucket", "LoadBalancer/Logs")
    balancer = built.get("aws_lb")
    assert balancer["access_logs"] == {"bucket": bucket.ref("id"), "enabled": True}
    policy = built.get("aws_s3_bucket_policy", "LoadBalancer/Logs/Policy")
    # Elastic Load Balancing tries the bucket while the balancer is made.
    assert policy.address in balancer["depends_on"]
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


def test_the_name_leads_here_where_there_is_a_zone(built: Template) -> None:
    balancer = built.get("aws_lb")
    record = built.get("aws_route53_record", "LoadBalancer/Name")
    assert (record["name"], record["type"]) == ("app.example.com", "A")
    assert record["zone_id"] == ZONE
    assert record["alias"] == {
        "name": balancer.ref("dns_name"),
        "zone_id": balancer.ref("zone_id"),
        "evaluate_target_health": True,
    }


def test_without_a_zone_whoever_owns_the_name_leads_it_here(
    stack_with: Callable[..., UnitStack],
) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/one"
    built = build(stack_with(TAP_WEB_DOMAIN_NAME="app.example.com", TAP_WEB_CERTIFICATE_ARN=arn))
    built.assert_none("aws_route53_record")
    assert built.get("aws_lb_listener", "LoadBalancer/Https")["certificate_arn"] == arn


@pytest.mark.parametrize("waf", ["true", "false"])
def test_a_balancer_without_firewall_says_why(
    waf: str, stack_with: Callable[..., UnitStack]
) -> None:
    built = build(stack_with(**WEB, TAP_WEB_WAF=waf))
    suppressions = built.get("aws_lb").suppressions
    assert ("CKV2_AWS_28" in suppressions, "CKV2_AWS_76" in suppressions) == (
        waf == "false",
        waf == "true",
    )
