"""The private path from API Gateway to the load balancer."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.api_gateway_vpc_link import ApiGatewayVpcLink
from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener, LbListenerDefaultAction
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.lb_target_group_attachment import LbTargetGroupAttachment
from constructs import Construct

from lib.compute.load_balancer import DESTROYABLE, HEALTH_PATH, LoadBalancer
from lib.context import Foundation
from lib.networking.network import Network
from lib.networking.security_group import HTTPS, SecurityGroup
from lib.suppressions import suppress


class ApiLink(Construct):
    """Creates a VPC link to an internal Network Load Balancer that leads to the application's own.

    The Network Load Balancer stands in the private subnets and passes TCP 443 on to the load
    balancer's listener, so that TLS is between API Gateway and the application's certificate. Its
    security group lets nothing in and 443 out to the load balancer's group alone. docs/decisions
    says why a Network Load Balancer stands between.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        balancer: LoadBalancer,
    ) -> None:
        super().__init__(scope, id_)
        self._settings = foundation.settings
        self.security_group = SecurityGroup(
            self,
            "Group",
            settings=self._settings,
            vpc=network.vpc,
            kind="api-link-security-group",
            purpose="The way from the API to the load balancer",
        )
        self.security_group.allow_to_group(
            balancer.security_group, HTTPS, "The API's requests to the application"
        )
        self.balancer = self._build_balancer(network)
        self._lead_to(balancer, network)
        self.link = ApiGatewayVpcLink(
            self,
            "Resource",
            name=self._settings.name("api-link"),
            description="From the API to the load balancer",
            target_arns=[self.balancer.arn],
            tags=self._settings.name_tag("api-link"),
        )
        self.id = self.link.id

    def _build_balancer(self, network: Network) -> Lb:
        balancer = Lb(
            self,
            "Balancer",
            name=self._settings.name("nlb"),
            load_balancer_type="network",
            internal=True,
            subnets=[subnet.id for subnet in network.private_subnets],
            security_groups=[self.security_group.id],
            # API Gateway comes through PrivateLink from addresses that AWS does not tell, which no
            # rule could name; held to the rules, its requests would be dropped.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
            enforce_security_group_inbound_rules_on_private_link_traffic="off",
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=False,
            tags=self._settings.name_tag("nlb"),
        )
        suppress(
            balancer,
            since="2026-11",
            reasons={
                "CKV_AWS_150": DESTROYABLE,
                "CKV_AWS_91": "It logs TLS listeners only, and TLS ends at the next balancer, which logs",
            },
        )
        return balancer

    def _lead_to(self, balancer: LoadBalancer, network: Network) -> None:
        group = LbTargetGroup(
            self,
            "TargetGroup",
            name=self._settings.name("alb-tg"),
            target_type="alb",
            port=HTTPS,
            protocol="TCP",
            vpc_id=network.vpc.id,
            health_check=LbTargetGroupHealthCheck(
                protocol="HTTPS", path=HEALTH_PATH, matcher="200"
            ),
            tags=self._settings.name_tag("alb-tg"),
        )
        LbTargetGroupAttachment(
            self,
            "Target",
            target_group_arn=group.arn,
            target_id=balancer.balancer.arn,
            port=HTTPS,
            # A balancer without a listener on that port is refused as a target.
            depends_on=[balancer.https],
        )
        LbListener(
            self,
            "Listener",
            load_balancer_arn=self.balancer.arn,
            port=HTTPS,
            protocol="TCP",
            default_action=[LbListenerDefaultAction(type="forward", target_group_arn=group.arn)],
            tags=self._settings.name_tag("api-link-listener"),
        )
