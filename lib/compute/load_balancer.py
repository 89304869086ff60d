"""The load balancer that the internet reaches the web application by."""

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
from lib.context import Foundation
from lib.networking.network import Network
from lib.networking.security_group import HTTP, HTTPS, SecurityGroup
from lib.security.web_acl import NOT_ASKED
from lib.settings import WebSettings
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

HEALTH_PATH = "/health"
# How long an instance that leaves may finish what it has begun.
DEREGISTRATION_SECONDS = 60
FROM_EVERYWHERE = "A public web application: visitors come from every address there is"
DESTROYABLE = "An environment is taken down as often as it is built"


class LoadBalancer(Construct):
    """Creates an Application Load Balancer in the public subnets, its listeners and target group.

    Port 443 answers with the certificate under the TLS policy of the settings and forwards to
    `target_group` (instances, HTTP 80, healthy while `/health` answers 200); port 80 answers with a
    redirect (301) to it and forwards nothing. Headers with invalid names are dropped, requests that
    do not comply with RFC 7230 refused. Every request is logged to a bucket of its own. Where the
    settings name a hosted zone, the application's name leads here.

    `security_group` lets the internet in on both ports and nothing out: whoever owns targets opens
    the way to them. `https` is the listener that answers.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        certificate: Certificate,
        web: WebSettings,
    ) -> None:
        super().__init__(scope, id_)
        self._foundation, self._settings = foundation, foundation.settings
        self.logs = self._build_logs()
        self.security_group = self._build_security_group(network)
        self.balancer = self._build_balancer(network, web)
        self.target_group = self._build_target_group(network)
        self.https = self._answer(certificate, web)
        self.redirect = self._redirect()
        if web.domain_name and web.hosted_zone_id:
            self._give_name(web.domain_name, web.hosted_zone_id)

    def _build_logs(self) -> SecureBucket:
        foundation, account = self._foundation, self._foundation.account
        logs = SecureBucket(
            self,
            "Logs",
            settings=self._settings,
            account=account,
            kind="balancer-logs",
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
            key=None,
            retention=Retention.of_logs(self._settings),
            access_logs=foundation.access_logs,
        )
        suppress(
            logs.bucket,
            since="2026-11",
            reasons={
                "require_bucket_encryption": "Elastic Load Balancing delivers to buckets under SSE-S3 only"
            },
        )
        # The service writes under the number of the account whose balancer it is, which keeps
        # others out. AWS's policy tests no source; one that did was seen to refuse every log.
        logs.allow_service_to_write(
            "Balancer",
            "logdelivery.elasticloadbalancing",
            prefix=f"AWSLogs/{account.id}/",
            conditions={},
        )
        suppress(
            logs.policy,
            since="2026-11",
            reasons={
                "services_require_source_account": "AWS ties these logs to the account by their path"
            },
        )
        logs.require_mfa_for_deletion()
        return logs

    def _build_security_group(self, network: Network) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=self._settings,
            vpc=network.vpc,
            kind="balancer-security-group",
            purpose="The load balancer that the internet reaches",
        )
        group.allow_from_internet(HTTPS, "Visitors", reason=FROM_EVERYWHERE)
        group.allow_from_internet(
            HTTP, "Visitors, who are sent on to HTTPS", reason=FROM_EVERYWHERE
        )
        return group

    def _build_balancer(self, network: Network, web: WebSettings) -> Lb:
        balancer = Lb(
            self,
            "Resource",
            name=self._settings.name("alb"),
            load_balancer_type="application",
            internal=False,
            subnets=[subnet.id for subnet in network.public_subnets],
            security_groups=[self.security_group.id],
            drop_invalid_header_fields=True,
            # https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-12
            desync_mitigation_mode="strictest",
            enable_deletion_protection=False,
            access_logs=LbAccessLogs(bucket=self.logs.bucket.id, enabled=True),
            tags=self._settings.name_tag("alb"),
            # The bucket is written to when the balancer is made, to see whether it may be; and an
            # address needs the gateway that leads to it.
            depends_on=[
                self.logs.policy,
                *([network.internet_gateway] if network.internet_gateway else []),
            ],
        )
        suppress(
            balancer,
            since="2026-11",
            reasons={"CKV_AWS_150": DESTROYABLE, "no_public_access": FROM_EVERYWHERE},
        )
        if web.waf:
            suppress(balancer, since="2026-11", reasons={"CKV2_AWS_76": NOT_ASKED})
        else:
            suppress(
                balancer,
                since="2026-11",
                reasons={"CKV2_AWS_28": "The setting web.waf switches the firewall off"},
            )
        return balancer

    def _build_target_group(self, network: Network) -> LbTargetGroup:
        return LbTargetGroup(
            self,
            "TargetGroup",
            name=self._settings.name("tg"),
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
            tags=self._settings.name_tag("tg"),
        )

    def _answer(self, certificate: Certificate, web: WebSettings) -> LbListener:
        return LbListener(
            self,
            "Https",
            load_balancer_arn=self.balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=web.tls_policy,
            certificate_arn=certificate.arn,
            default_action=[
                LbListenerDefaultAction(type="forward", target_group_arn=self.target_group.arn)
            ],
            tags=self._settings.name_tag("https-listener"),
        )

    def _redirect(self) -> LbListener:
        return LbListener(
            self,
            "Http",
            load_balancer_arn=self.balancer.arn,
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
            tags=self._settings.name_tag("http-listener"),
        )

    def _give_name(self, name: str, zone_id: str) -> None:
        record = Route53Record(
            self,
            "Name",
            zone_id=zone_id,
            name=name,
            type="A",
            alias=Route53RecordAlias(
                name=self.balancer.dns_name,
                zone_id=self.balancer.zone_id,
                evaluate_target_health=True,
            ),
        )
        suppress(
            record,
            since="2026-11",
            reasons={
                "names_end_with_suffix": "The name the application answers to is a setting of its own"
            },
        )
