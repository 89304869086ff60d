"""The custom domain name of an API: TLS, mapping and record."""

from __future__ import annotations

import pytest

from lib.rules import evaluate
from tests.support.synthesis import Synthesizer
from tests.support.template import Template


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def test_domain_name_accepts_tls_1_2_and_later(web: Template) -> None:
    domain = web.get("aws_api_gateway_domain_name")
    assert domain["security_policy"] == "TLS_1_2"
    assert domain["endpoint_configuration"] == {"types": ["REGIONAL"]}
    assert domain["tags"] == {"Name": "web-api-domain-unit"}


def test_stage_responds_at_the_root_of_the_domain_name(web: Template) -> None:
    mapping = web.get("aws_api_gateway_base_path_mapping")
    assert mapping["domain_name"] == web.get("aws_api_gateway_domain_name").ref("domain_name")
    assert mapping["api_id"] == web.get("aws_api_gateway_rest_api").ref("id")
    assert mapping["stage_name"] == web.get("aws_api_gateway_stage").ref("stage_name")
    assert "base_path" not in mapping.body


def test_alias_record_refers_to_the_regional_domain_name(web: Template) -> None:
    domain = web.get("aws_api_gateway_domain_name")
    record = web.get("aws_route53_record", "ApiDomain/Name")
    assert (record["name"], record["type"]) == ("api.app.example.com", "A")
    assert record["zone_id"] == "Z0123456789ABCDEFGHIJ"
    assert record["alias"] == {
        "name": domain.ref("regional_domain_name"),
        "zone_id": domain.ref("regional_zone_id"),
        "evaluate_target_health": True,
    }


def test_rule_for_tls_evaluates_the_endpoint_of_the_api(synth: Synthesizer) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/own"
    template = synth("web", TAP_WEB_HOSTED_ZONE_ID="", TAP_WEB_CERTIFICATE_ARN=arn)
    api = template.get("aws_api_gateway_rest_api")
    assert api.suppressions["require_tls"].reason.startswith("Without a custom domain name")
    assert evaluate("require_tls", template) == []
    suppressions = api.body["//"].pop("suppressions")
    try:
        (found,) = evaluate("require_tls", template)
    finally:
        api.body["//"]["suppressions"] = suppressions
    assert found == f"{api}: its default endpoint accepts TLS 1.0"
