"""The evaluation of listener rules, and of the two paths of requests in the synthesized stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib.listener_rules import Condition, ListenerRule, Request, applied_rule, rules_of
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template

HOST = "app.example.com"
CALLER = {"x-api-caller": "arn:aws:iam::123456789012:role/caller"}
API_PATHS = ("/api", "/api/", "/api/health", "/api/orders/1")


def met(field: str, value: str, request: Request, header: str = "") -> bool:
    return Condition(field, (value,), header).is_met_by(request)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("path-pattern", "/api/*", True),
        ("path-pattern", "/api", False),
        ("path-pattern", "/API/*", False),
        ("path-pattern", "/a?i/x.y", True),
        ("path-pattern", "/api/x-y", False),
        ("host-header", "APP.example.com", True),
        ("host-header", "*.example.com", True),
        ("host-header", "example.com", False),
    ],
)
def test_wildcards_and_case_are_compared_as_documented(
    field: str, value: str, expected: bool
) -> None:
    assert met(field, value, Request(HOST, "/api/x.y")) is expected


def test_header_names_are_compared_without_case() -> None:
    request = Request(HOST, "/", {"X-Api-Caller": "ARN:aws:x"})
    assert met("http-header", "arn:*", request, "x-api-caller")
    assert not met("http-header", "*", Request(HOST, "/"), "x-api-caller")


def test_unknown_condition_is_an_error() -> None:
    with pytest.raises(ValueError, match="source-ip"):
        met("source-ip", "10.0.0.0/8", Request(HOST, "/"))


def test_lowest_priority_of_the_matching_rules_applies() -> None:
    root = Condition("path-pattern", ("/",))
    rules = [
        ListenerRule(float("inf"), (), "default"),
        ListenerRule(20, (), "second"),
        ListenerRule(10, (root,), "first"),
    ]
    assert applied_rule(rules, Request(HOST, "/")).action == "first"
    assert applied_rule(rules, Request(HOST, "/x")).action == "second"


# ---- the stack ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def listener(web: Template, port: int) -> Resource:
    (found,) = [
        one
        for one in web.of_type("aws_lb_listener")
        if one["port"] == port and one["protocol"] == "HTTPS"
    ]
    return found


def action(web: Template, port: int, path: str, host: str = HOST, signed: bool = False) -> str:
    """What the load balancer does with a request that a listener receives."""
    request = Request(host, path, CALLER if signed else {})
    rule = applied_rule(rules_of(web, listener(web, port)), request)
    targets = web.get("aws_lb_target_group", "LoadBalancer/TargetGroup").ref("arn")
    assert rule.action != "forward" or rule.target == targets
    return rule.action


def sources(web: Template, port: int) -> Iterator[str]:
    """The peers that reach a port of the load balancer."""
    own = web.get("aws_security_group", "LoadBalancer/SecurityGroup").ref("id")
    for rule in web.of_type("aws_vpc_security_group_ingress_rule"):
        if rule["security_group_id"] == own and rule["from_port"] <= port <= rule["to_port"]:
            yield rule.get("cidr_ipv4") or rule["referenced_security_group_id"]


def test_each_listener_has_its_own_clients(web: Template) -> None:
    link = web.get("aws_security_group", "Api/Link/Group").ref("id")
    assert [*sources(web, 443)] == ["0.0.0.0/0"]
    assert [*sources(web, 8443)] == [link]


@pytest.mark.parametrize("path", ["/", "/health", "/orders", "/apis"])
def test_public_requests_for_the_domain_name_are_forwarded(web: Template, path: str) -> None:
    assert action(web, 443, path) == "forward"
    assert action(web, 443, path, host="other.example.com") == "fixed-response"
    assert action(web, 443, path, signed=True) == "fixed-response"


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("path", API_PATHS)
def test_public_requests_for_the_api_are_rejected(web: Template, path: str, signed: bool) -> None:
    assert action(web, 443, path, signed=signed) == "fixed-response"


def test_requests_of_the_api_are_forwarded(web: Template) -> None:
    integrations = [
        one for one in web.of_type("aws_api_gateway_integration") if one["type"] == "HTTP_PROXY"
    ]
    assert len(integrations) == 7
    for one in integrations:
        assert "integration.request.header.X-Api-Caller" in one["request_parameters"]
        path = one["uri"].removeprefix(f"https://{HOST}").replace("{proxy}", "orders/1")
        assert action(web, 8443, path, signed=True) == "forward"
        assert action(web, 8443, path) == "fixed-response"


def test_health_checks_of_the_network_load_balancer_are_forwarded(web: Template) -> None:
    assert action(web, 8443, "/health", host="10.0.10.7") == "forward"
    assert action(web, 8443, "/", host="10.0.10.7") == "fixed-response"
