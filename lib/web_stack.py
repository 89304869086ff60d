"""WebStack: a web application."""

from __future__ import annotations

from cdktf import TerraformStack
from constructs import Construct

from lib.api.rest_api import Api, ApiConfig
from lib.compute.certificate import Certificate
from lib.compute.load_balancer import LoadBalancer
from lib.compute.parameters import Parameters
from lib.compute.web_servers import WebServers, WebServersConfig
from lib.database import DatabaseSecret, PostgresConfig, PostgresInstance
from lib.monitoring.web import WebMonitoring
from lib.networking.network import Network
from lib.security.web_acl import WebAcl
from lib.settings import Settings, WebSettings
from lib.stacks import STACKS
from lib.storage.bucket import Retention, SecureBucket
from lib.system import create_context, network_config
from lib.terraform import declare_outputs


class WebStack(TerraformStack):
    """Composes network, load balancer, web servers, API, database and their monitoring."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        web = settings.web
        domain_name = web.domain_name or ""
        context = create_context(self, settings=settings, spec=STACKS["web"], region=web.region)
        network = Network(self, "Network", context=context, config=network_config(web))
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
        )
        api = Api(
            self,
            "Api",
            context=context,
            network=network,
            load_balancer=load_balancer,
            config=api_config(web),
        )
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
            alarm_email=settings.monitoring.alarm_email,
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "public_subnet_ids": [subnet.id for subnet in network.public_subnets],
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "isolated_subnet_ids": [subnet.id for subnet in network.isolated_subnets],
            "load_balancer_dns_name": load_balancer.load_balancer.dns_name,
            "application_url": f"https://{web.domain_name}",
            "api_url": api.url,
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
            web_acl = WebAcl(self, "Firewall", context=context)
            web_acl.associate("LoadBalancer", load_balancer.load_balancer.arn)
            web_acl.associate("Api", api.stage_arn)
            outputs["web_acl_arn"] = web_acl.web_acl.arn
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
    )
