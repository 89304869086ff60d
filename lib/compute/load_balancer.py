"""Application Load Balancers that accept requests from the internet."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.lb import Lb, LbAccessLogs
from cdktf_cdktf_provider_aws.lb_listener import (
    LbListener,
    LbListenerDefaultAction,
    LbListenerDefaultActionRedirect,
)
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from constructs import Construct

from lib.compute.certificate import Certificate
from lib.context import Context
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SecurityGroup
from lib.security.web_acl import ANONYMOUS_IP_LIST_REASON
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

HEALTH_PATH = "/health"
# How long a deregistered instance may finish its requests.
DEREGISTRATION_SECONDS = 60
PUBLIC_REASON = "A public web application accepts requests from every address"
DESTROYABLE_REASON = "Every environment stays destroyable, without deletion protection"


class LoadBalancer(Construct):
    """Creates an Application Load Balancer in the public subnets, its listeners and target group.

    Port 443 uses the certificate with `tls_policy` and forwards to `target_group` (instances, HTTP
    port 80, healthy while `/health` returns 200). Port 80 redirects (301) to port 443. Headers with
    invalid names are removed; requests that do not comply with RFC 7230 are rejected. Every request
    is logged to a bucket. With `hosted_zone_id` an alias record for `domain_name` is created.
    `web_acl` states whether a web ACL is associated.

    `security_group` allows ingress from the internet on both ports and no egress: owners of targets
    add it. `https` is the listener of port 443.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        certificate: Certificate,
        domain_name: str,
        hosted_zone_id: str | None = None,
        tls_policy: str = "ELBSecurityPolicy-TLS13-1-2-2021-06",
        web_acl: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        self._context = context
        self.logs = self._create_logs()
        self.security_group = self._create_security_group(network)
        self.load_balancer = self._create_load_balancer(network, web_acl)
        self.target_group = self._create_target_group(network)
        self.https = self._create_https_listener(certificate, tls_policy)
        self.redirect = self._create_redirect_listener()
        if hosted_zone_id:
            self._create_record(domain_name, hosted_zone_id)

    def _create_logs(self) -> SecureBucket:
        context, account = self._context, self._context.account
        logs = SecureBucket(
            self,
            "Logs",
            context=context,
            kind="balancer-logs",
            # Elastic Load Balancing delivers to buckets with SSE-S3 only.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
            encryption="s3",
            retention=Retention.for_logs(context.log_retention),
        )
        suppress(
            logs.bucket,
            since="2026-11",
            reasons={
                "require_bucket_encryption": (
                    "Elastic Load Balancing delivers to buckets with SSE-S3 only"
                )
            },
        )
        # The prefix contains the id of the account that owns the load balancer, which excludes
        # other accounts. The documented policy has no source condition.
        logs.allow_service_to_write(
            "logdelivery.elasticloadbalancing",
            sid="AWSLogDeliveryWrite",
            prefix=f"AWSLogs/{account.id}/",
            conditions={},
        )
        suppress(
            logs.policy,
            since="2026-11",
            reasons={
                "services_require_source_account": (
                    "The object key of these logs contains the account id"
                )
            },
        )
        logs.require_mfa_for_deletion()
        return logs

    def _create_security_group(self, network: Network) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            context=self._context,
            vpc=network.vpc,
            kind="balancer-security-group",
            purpose="The load balancer that the internet reaches",
        )
        group.allow_from_internet(HTTPS, "Visitors", reason=PUBLIC_REASON)
        group.allow_from_internet(HTTP, "Visitors, who are sent on to HTTPS", reason=PUBLIC_REASON)
        return group

    def _create_load_balancer(self, network: Network, web_acl: bool) -> Lb:
        load_balancer = Lb(
            self,
            "Resource",
            name=self._context.name("alb"),
            load_balancer_type="application",
            internal=False,
            subnets=[subnet.id for subnet in network.public_subnets],
            security_groups=[self.security_group.id],
            drop_invalid_header_fields=True,
            # https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-12
            desync_mitigation_mode="strictest",
            enable_deletion_protection=False,
            access_logs=LbAccessLogs(bucket=self.logs.bucket.id, enabled=True),
            tags=self._context.name_tag("alb"),
            # Elastic Load Balancing writes a test object when the load balancer is created, and a
            # public address requires the internet gateway.
            depends_on=[
                self.logs.policy,
                *([network.internet_gateway] if network.internet_gateway else []),
            ],
        )
        suppress(
            load_balancer,
            since="2026-11",
            reasons={"CKV_AWS_150": DESTROYABLE_REASON, "no_public_access": PUBLIC_REASON},
        )
        if web_acl:
            suppress(
                load_balancer, since="2026-11", reasons={"CKV2_AWS_76": ANONYMOUS_IP_LIST_REASON}
            )
        else:
            suppress(
                load_balancer,
                since="2026-11",
                reasons={"CKV2_AWS_28": "The configuration has no web ACL"},
            )
        return load_balancer

    def _create_target_group(self, network: Network) -> LbTargetGroup:
        return LbTargetGroup(
            self,
            "TargetGroup",
            name=self._context.name("tg"),
            target_type="instance",
            port=HTTP,
            protocol="HTTP",
            vpc_id=network.vpc.id,
            deregistration_delay=str(DEREGISTRATION_SECONDS),
            health_check=LbTargetGroupHealthCheck(
                path=HEALTH_PATH,
                protocol="HTTP",
                matcher="200",
                interval=30,
                timeout=5,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            tags=self._context.name_tag("tg"),
        )

    def _create_https_listener(self, certificate: Certificate, tls_policy: str) -> LbListener:
        return LbListener(
            self,
            "Https",
            load_balancer_arn=self.load_balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=tls_policy,
            certificate_arn=certificate.arn,
            default_action=[
                LbListenerDefaultAction(type="forward", target_group_arn=self.target_group.arn)
            ],
            tags=self._context.name_tag("https-listener"),
        )

    def _create_redirect_listener(self) -> LbListener:
        return LbListener(
            self,
            "Http",
            load_balancer_arn=self.load_balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_action=[
                LbListenerDefaultAction(
                    type="redirect",
                    redirect=LbListenerDefaultActionRedirect(
                        protocol="HTTPS", port=str(HTTPS), status_code="HTTP_301"
                    ),
                )
            ],
            tags=self._context.name_tag("http-listener"),
        )

    def _create_record(self, name: str, zone_id: str) -> None:
        record = Route53Record(
            self,
            "Name",
            zone_id=zone_id,
            name=name,
            type="A",
            alias=Route53RecordAlias(
                name=self.load_balancer.dns_name,
                zone_id=self.load_balancer.zone_id,
                evaluate_target_health=True,
            ),
        )
        suppress(
            record,
            since="2026-11",
            reasons={"names_end_with_suffix": "The name is the domain name of the application"},
        )
