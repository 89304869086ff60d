"""WebStack: a web application."""

from __future__ import annotations

from cdktf import TerraformStack
from constructs import Construct

from lib.api.config import ApiConfig
from lib.api.domain import ApiDomain
from lib.api.rest_api import Api
from lib.compute.certificate import Certificate
from lib.compute.load_balancer import CALLER_HEADER, LoadBalancer
from lib.compute.parameters import Parameters
from lib.compute.web_servers import WebServers, WebServersConfig
from lib.database import DatabaseSecret, PostgresConfig, PostgresInstance
from lib.monitoring.web import WebMonitoring
from lib.networking.network import Network
from lib.networking.security_group import ANY_IPV4, HTTP, HTTPS
from lib.security.web_acl import WebAcls
from lib.settings import Settings, WebSettings
from lib.stacks import STACKS
from lib.storage.bucket import Retention, SecureBucket
from lib.system import (
    alarm_receivers,
    create_context,
    create_deletion_role,
    network_config,
)
from lib.terraform import declare_outputs


class WebStack(TerraformStack):
    """Composes network, load balancer, web servers, API, database and their monitoring."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        web = settings.web
        domain_name = web.domain_name or ""
        context = create_context(
            self,
            settings=settings,
            spec=STACKS["web"],
            region=web.region,
            backup_retention_days=settings.web_database.backup_retention_days,
        )
        network = Network(
            self,
            "Network",
            context=context,
            config=network_config(
                web,
                ingress={
                    "public": [(HTTP, ANY_IPV4), (HTTPS, ANY_IPV4)],
                    # API Gateway connects to the Network Load Balancer through PrivateLink, from
                    # addresses that AWS does not document. No route leads there from the internet.
                    "private": [(HTTPS, ANY_IPV4)],
                },
            ),
        )
        bucket = SecureBucket(
            self,
            "Data",
            context=context,
            kind="data",
            retention=Retention(
                infrequent_access_days=settings.storage.infrequent_access_days,
                noncurrent_version_days=settings.storage.noncurrent_version_days,
            ),
        )
        bucket.require_mfa_for_deletion()
        certificate = Certificate(
            self,
            "Certificate",
            context=context,
            domain_name=domain_name,
            hosted_zone_id=web.hosted_zone_id,
            existing_arn=web.certificate_arn,
        )
        load_balancer = LoadBalancer(
            self,
            "LoadBalancer",
            context=context,
            network=network,
            certificate=certificate,
            domain_name=domain_name,
            hosted_zone_id=web.hosted_zone_id,
            tls_policy=web.tls_policy,
            web_acl=web.waf,
            target_tls=web.instance_tls,
        )
        api = Api(
            self,
            "Api",
            context=context,
            network=network,
            load_balancer=load_balancer,
            config=api_config(web),
        )
        api_url = api.url
        if web.api_domain:
            api_url = ApiDomain(
                self,
                "ApiDomain",
                context=context,
                api=api,
                domain_name=web.api_domain,
                certificate=Certificate(
                    self,
                    "ApiCertificate",
                    context=context,
                    domain_name=web.api_domain,
                    hosted_zone_id=web.hosted_zone_id,
                    existing_arn=web.api_certificate_arn,
                    kind="api-certificate",
                ),
                hosted_zone_id=web.hosted_zone_id,
            ).url
        database_config = PostgresConfig(**dict(settings.web_database))
        secret = DatabaseSecret(self, "DatabaseSecret", context=context, config=database_config)
        database = PostgresInstance(
            self,
            "Database",
            context=context,
            network=network,
            secret=secret,
            config=database_config,
        )
        parameters = Parameters(self, "Parameters", context=context)
        parameters.text("bucket/name", bucket.name)
        parameters.text("database/endpoint", database.address)
        parameters.secret(
            "database/url",
            database.url,
            secret.version,
            # The URL of a replaced database differs.
            replace_with=database.identity,
        )
        web_servers = WebServers(
            self,
            # Part of the addresses of deployed resources.
            "Fleet",
            context=context,
            network=network,
            load_balancer=load_balancer,
            database=database,
            bucket=bucket,
            parameters=parameters,
            config=web_servers_config(web),
        )
        monitoring = WebMonitoring(
            self,
            "Monitoring",
            context=context,
            load_balancer=load_balancer,
            web_servers=web_servers,
            database=database,
            api=api,
            database_storage_gb=database_config.storage_gb,
            receivers=alarm_receivers(settings),
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "public_subnet_ids": [subnet.id for subnet in network.public_subnets],
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "isolated_subnet_ids": [subnet.id for subnet in network.isolated_subnets],
            "load_balancer_dns_name": load_balancer.load_balancer.dns_name,
            "application_url": f"https://{web.domain_name}",
            "api_url": api_url,
            "auto_scaling_group_name": web_servers.group.name,
            "database_endpoint": database.address,
            "database_secret_arn": secret.arn,
            "parameter_prefix": parameters.prefix,
            "bucket_name": bucket.name,
            "balancer_logs_bucket_name": load_balancer.logs.name,
            "flow_logs_bucket_name": network.flow_logs.name,
            "kms_key_arn": context.key.arn,
            "application_log_group_name": web_servers.application_logs.name,
            "deployment_log_group_name": web_servers.deployment_logs.name,
            "alarm_topic_arn": monitoring.topic.arn,
            "dashboard_name": monitoring.dashboard.dashboard_name,
        }
        if context.access_logs:
            outputs["access_logs_bucket_name"] = context.access_logs.name
        if web.waf:
            web_acls = WebAcls(
                self,
                "Firewall",
                context=context,
                load_balancer_arn=load_balancer.load_balancer.arn,
                api_stage_arn=api.stage_arn,
                authenticated_header=CALLER_HEADER,
                requests_per_address=web.requests_per_address,
            )
            outputs["web_acl_arn"] = web_acls.load_balancer.arn
            outputs["api_web_acl_arn"] = web_acls.api.arn
        if deletion_role := create_deletion_role(self, settings=settings, context=context):
            outputs["deletion_role_arn"] = deletion_role.arn
        declare_outputs(self, outputs)


def _origin(web: WebSettings) -> str:
    return web.api_origin or f"https://{web.domain_name}"


def api_config(web: WebSettings) -> ApiConfig:
    """The configuration of the API from the section `web` of the settings."""
    return ApiConfig(
        domain_name=web.domain_name or "",
        origin=_origin(web),
        requests_per_second=web.api_requests_per_second,
        burst=web.api_burst,
        account_role=web.api_account_role,
        web_acl=web.waf,
        custom_domain=web.api_domain is not None,
    )


def web_servers_config(web: WebSettings) -> WebServersConfig:
    """The configuration of the web servers from the section `web` of the settings."""
    return WebServersConfig(
        origin=_origin(web),
        instance_type=web.instance_type,
        minimum_instances=web.minimum_instances,
        maximum_instances=web.maximum_instances,
        cpu_target_percent=web.cpu_target_percent,
        requests_target=web.requests_target,
        log_retention_days=web.log_retention_days,
        body_limit_kb=web.body_limit_kb,
    )
