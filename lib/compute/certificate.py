"""The certificate that the web application shows."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.route53_record import Route53Record
from constructs import Construct

from lib.context import Foundation
from lib.settings import WebSettings
from lib.suppressions import suppress

VALIDATION_TTL_SECONDS = 300


class Certificate(Construct):
    """Creates an ACM certificate for the application's name, validated in its Route 53 zone.

    With the setting `web.certificate_arn` nothing is made and that certificate is used. Otherwise
    `arn` is that of the certificate once ACM has seen the validation record, so that no listener
    is made with one that is not issued yet. ACM renews it for as long as the record stays.
    """

    def __init__(
        self, scope: Construct, id_: str, *, foundation: Foundation, web: WebSettings
    ) -> None:
        super().__init__(scope, id_)
        self.arn = web.certificate_arn or self._build(foundation, web)

    def _build(self, foundation: Foundation, web: WebSettings) -> str:
        if web.domain_name is None or web.hosted_zone_id is None:
            raise ValueError(
                f"Certificate: received domain_name={web.domain_name!r} and"
                f" hosted_zone_id={web.hosted_zone_id!r}; accepted: both, or certificate_arn."
                " Set TAP_WEB_DOMAIN_NAME and TAP_WEB_HOSTED_ZONE_ID."
            )
        certificate = AcmCertificate(
            self,
            "Resource",
            domain_name=web.domain_name,
            validation_method="DNS",
            tags=foundation.settings.name_tag("certificate"),
            # A listener keeps the old certificate until it has the new one.
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        suppress(
            certificate,
            since="2026-11",
            reasons={
                "names_end_with_suffix": "The name the application answers to is a setting of its own"
            },
        )
        # One name, so one record; the same record serves every certificate for that name.
        option = certificate.domain_validation_options.get(0)
        record = Route53Record(
            self,
            "ValidationRecord",
            zone_id=web.hosted_zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            records=[option.resource_record_value],
            ttl=VALIDATION_TTL_SECONDS,
            allow_overwrite=True,
        )
        return AcmCertificateValidation(
            self,
            "Validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
        ).certificate_arn
