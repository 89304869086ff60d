"""Custom domain names of APIs."""

from __future__ import annotations

from cdktf import TerraformResource
from cdktf_cdktf_provider_aws.api_gateway_base_path_mapping import ApiGatewayBasePathMapping
from cdktf_cdktf_provider_aws.api_gateway_domain_name import (
    ApiGatewayDomainName,
    ApiGatewayDomainNameEndpointConfiguration,
)
from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from constructs import Construct

from lib.api.rest_api import Api
from lib.compute.certificate import Certificate
from lib.context import Context
from lib.suppressions import suppress


class ApiDomain(Construct):
    """Creates a Regional custom domain name, at whose root the stage of an API responds.

    The domain name accepts TLS 1.2 and later. With `hosted_zone_id` an alias record is created.
    `certificate` is for `domain_name`, in the same Region. `url` is the URL of the API.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        api: Api,
        domain_name: str,
        certificate: Certificate,
        hosted_zone_id: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.url = f"https://{domain_name}"
        self.domain = ApiGatewayDomainName(
            self,
            "Resource",
            domain_name=domain_name,
            regional_certificate_arn=certificate.arn,
            security_policy="TLS_1_2",
            endpoint_configuration=ApiGatewayDomainNameEndpointConfiguration(types=["REGIONAL"]),
            tags=context.name_tag("api-domain"),
        )
        ApiGatewayBasePathMapping(
            self,
            "Mapping",
            domain_name=self.domain.domain_name,
            api_id=api.rest_api.id,
            stage_name=api.stage.stage_name,
        )
        named: list[TerraformResource] = [self.domain]
        if hosted_zone_id:
            named.append(self._create_record(domain_name, hosted_zone_id))
        for resource in named:
            suppress(
                resource,
                since="2026-11",
                reasons={"names_end_with_suffix": "The name is the domain name of the API"},
            )

    def _create_record(self, name: str, zone_id: str) -> Route53Record:
        return Route53Record(
            self,
            "Name",
            zone_id=zone_id,
            name=name,
            type="A",
            alias=Route53RecordAlias(
                name=self.domain.regional_domain_name,
                zone_id=self.domain.regional_zone_id,
                evaluate_target_health=True,
            ),
        )
