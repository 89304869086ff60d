"""A web application as one unit of deployment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from lib import terraform
from lib.api.rest_api import Api
from lib.compute.certificate import Certificate
from lib.compute.fleet import Fleet
from lib.compute.load_balancer import LoadBalancer
from lib.compute.parameters import Parameters
from lib.context import Foundation
from lib.database import DatabaseSecret, PostgresInstance
from lib.monitoring.web import WebMonitoring
from lib.networking.network import Network
from lib.security.web_acl import Firewall
from lib.settings import WEB, Settings
from lib.storage.bucket import Retention, SecureBucket


class WebStack(TerraformStack):
    """Wires network, load balancer, instances, API, database and their monitoring."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        web = settings.web
        foundation = Foundation.build(
            self,
            settings=settings.for_system(WEB, web.region),
            key_used_through=("s3", "secretsmanager", "rds", "ec2", "sns", "ssm"),
            key_kept_by=("rds", "ec2"),
        )
        if settings.web_database.existing_secret_arn is None:
            terraform.use_random(self)
        network = Network(self, "Network", foundation=foundation, plan=web)
        bucket = SecureBucket(
            self,
            "Data",
            settings=foundation.settings,
            account=foundation.account,
            kind="data",
            key=foundation.key,
            access_logs=foundation.access_logs,
            retention=Retention(
                infrequent_access_days=settings.storage.infrequent_access_days,
                noncurrent_version_days=settings.storage.noncurrent_version_days,
            ),
        )
        bucket.require_mfa_for_deletion()
        certificate = Certificate(self, "Certificate", foundation=foundation, web=web)
        balancer = LoadBalancer(
            self,
            "LoadBalancer",
            foundation=foundation,
            network=network,
            certificate=certificate,
            web=web,
        )
        api = Api(self, "Api", foundation=foundation, network=network, balancer=balancer, web=web)
        secret = DatabaseSecret(
            self, "DatabaseSecret", foundation=foundation, database=settings.web_database
        )
        database = PostgresInstance(
            self,
            "Database",
            foundation=foundation,
            network=network,
            secret=secret,
            database=settings.web_database,
        )
        parameters = Parameters(self, "Parameters", foundation=foundation)
        parameters.text("bucket/name", bucket.name)
        parameters.text("database/endpoint", database.address)
        parameters.secret(
            "database/url",
            database.url,
            secret.version,
            # Another database has another URL.
            replace_with=database.identity,
        )
        fleet = Fleet(
            self,
            "Fleet",
            foundation=foundation,
            network=network,
            balancer=balancer,
            database=database,
            bucket=bucket,
            parameters=parameters,
            web=web,
        )
        monitoring = WebMonitoring(
            self,
            "Monitoring",
            foundation=foundation,
            balancer=balancer,
            fleet=fleet,
            database=database,
            api=api,
        )

        outputs = {
            "vpc_id": network.vpc.id,
            "public_subnet_ids": [subnet.id for subnet in network.public_subnets],
            "private_subnet_ids": [subnet.id for subnet in network.private_subnets],
            "isolated_subnet_ids": [subnet.id for subnet in network.isolated_subnets],
            "load_balancer_dns_name": balancer.balancer.dns_name,
            "application_url": f"https://{web.domain_name}",
            "api_url": api.url,
            "auto_scaling_group_name": fleet.group.name,
            "database_endpoint": database.address,
            "database_secret_arn": secret.arn,
            "parameter_prefix": parameters.prefix,
            "bucket_name": bucket.name,
            "access_logs_bucket_name": foundation.access_logs.name,
            "balancer_logs_bucket_name": balancer.logs.name,
            "flow_logs_bucket_name": network.flow_logs.name,
            "kms_key_arn": foundation.key.arn,
            "application_log_group_name": fleet.application_logs.name,
            "deployment_log_group_name": fleet.deployment_logs.name,
            "alarm_topic_arn": monitoring.topic.arn,
            "dashboard_name": monitoring.dashboard.dashboard_name,
        }
        if web.waf:
            firewall = Firewall(self, "Firewall", foundation=foundation)
            firewall.protect("LoadBalancer", balancer.balancer.arn)
            firewall.protect("Api", api.stage_arn)
            outputs["web_acl_arn"] = firewall.web_acl.arn
        for name, value in outputs.items():
            TerraformOutput(self, name, value=value)
