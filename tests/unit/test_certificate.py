"""The certificate: created and validated, or existing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib.compute.certificate import Certificate
from tests.unit.conftest import UnitStack

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/one"
NAME = {"TAP_WEB_DOMAIN_NAME": "app.example.com"}
ZONE = {"TAP_WEB_HOSTED_ZONE_ID": "Z0123456789ABCDEFGHIJ"}


def certificate(stack: UnitStack) -> Certificate:
    web = stack.settings.web
    return Certificate(
        stack,
        "Certificate",
        context=stack.context,
        domain_name=web.domain_name or "",
        hosted_zone_id=web.hosted_zone_id,
        existing_arn=web.certificate_arn,
    )


def test_new_certificate_is_validated_in_the_hosted_zone(
    stack_with: Callable[..., UnitStack],
) -> None:
    stack = stack_with(**NAME, **ZONE)
    certificate(stack)
    template = stack.template()
    created = template.get("aws_acm_certificate", "Certificate")
    assert (created["domain_name"], created["validation_method"]) == ("app.example.com", "DNS")
    assert created["lifecycle"] == {"create_before_destroy": True}
    record = template.get("aws_route53_record", "Certificate/ValidationRecord")
    option = f"${{tolist({created.address}.domain_validation_options).0.resource_record_"
    assert record["zone_id"] == ZONE["TAP_WEB_HOSTED_ZONE_ID"]
    assert record["name"] == option + "name}"
    assert record["type"] == option + "type}"
    assert record["records"] == [option + "value}"]
    # All certificates of a name have the same record, so it may exist.
    assert record["allow_overwrite"] is True


def test_arn_refers_to_the_validation(
    stack_with: Callable[..., UnitStack],
) -> None:
    stack = stack_with(**NAME, **ZONE)
    arn = certificate(stack).arn
    stack.add_override("locals.arn", arn)
    template = stack.template()
    validation = template.get("aws_acm_certificate_validation", "Certificate/Validation")
    record = template.get("aws_route53_record")
    assert validation["certificate_arn"] == template.get("aws_acm_certificate").ref("arn")
    assert validation["validation_record_fqdns"] == [record.ref("fqdn")]
    assert template.document["locals"]["arn"] == validation.ref("certificate_arn")


@pytest.mark.parametrize("zone", [{}, ZONE], ids=["no zone", "a zone"])
def test_existing_certificate_is_used_and_no_resource_is_created(
    zone: dict[str, str], stack_with: Callable[..., UnitStack]
) -> None:
    stack = stack_with(**NAME, **zone, TAP_WEB_CERTIFICATE_ARN=ARN)
    assert certificate(stack).arn == ARN
    template = stack.template()
    for type_ in ("aws_acm_certificate", "aws_acm_certificate_validation", "aws_route53_record"):
        template.assert_none(type_)


def test_hosted_zone_or_existing_certificate_is_required(
    stack_with: Callable[..., UnitStack],
) -> None:
    with pytest.raises(
        ValueError,
        match=r"hosted_zone_id: received nothing for 'app.example.com'; accepted: the id",
    ):
        certificate(stack_with(**NAME))
