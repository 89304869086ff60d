"""ACM certificates."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.route53_record import Route53Record
from constructs import Construct

from lib.context import Context
from lib.suppressions import suppress

VALIDATION_TTL_SECONDS = 300


class Certificate(Construct):
    """Creates an ACM certificate for a domain name, validated in its public Route 53 zone.

    With `existing_arn` nothing is created and `arn` is that certificate. Otherwise `arn` refers to
    the validation, so that a listener is created only with an issued certificate. ACM renews the
    certificate while the validation record exists. Raises `ValueError` without `hosted_zone_id` and
    `existing_arn`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        domain_name: str,
        hosted_zone_id: str | None = None,
        existing_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.arn = existing_arn or self._create(context, domain_name, hosted_zone_id)

    def _create(self, context: Context, domain_name: str, hosted_zone_id: str | None) -> str:
        if hosted_zone_id is None:
            raise ValueError(
                f"hosted_zone_id: received nothing for {domain_name!r}; accepted: the id of its"
                " public Route 53 zone, or the ARN of an existing certificate. Set one of them."
            )
        certificate = AcmCertificate(
            self,
            "Resource",
            domain_name=domain_name,
            validation_method="DNS",
            tags=context.name_tag("certificate"),
            # A listener uses the old certificate until the new one exists.
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        suppress(
            certificate,
            since="2026-11",
            reasons={"names_end_with_suffix": "The name is the domain name of the application"},
        )
        # One name has one record, which validates every certificate for that name.
        option = certificate.domain_validation_options.get(0)
        record = Route53Record(
            self,
            "ValidationRecord",
            zone_id=hosted_zone_id,
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
