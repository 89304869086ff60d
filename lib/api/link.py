"""The private integration of API Gateway with a load balancer."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.api_gateway_vpc_link import ApiGatewayVpcLink
from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener, LbListenerDefaultAction
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.lb_target_group_attachment import LbTargetGroupAttachment
from constructs import Construct

from lib.compute.load_balancer import DESTROYABLE_REASON, HEALTH_PATH, LoadBalancer
from lib.context import Context
from lib.networking.network import Network
from lib.networking.security_group import HTTPS, SecurityGroup
from lib.suppressions import suppress


class ApiLink(Construct):
    """Creates a VPC link to an internal Network Load Balancer in front of a load balancer.

    The Network Load Balancer is in the private subnets and forwards TCP 443 to the HTTPS listener
    of the load balancer, so that TLS is terminated with the certificate of the application. Its
    security group has no ingress, and egress to the load balancer on port 443. An ADR in
    docs/decisions explains the Network Load Balancer.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        load_balancer: LoadBalancer,
    ) -> None:
        super().__init__(scope, id_)
        self._context = context
        self.security_group = SecurityGroup(
            self,
            "Group",
            context=self._context,
            vpc=network.vpc,
            kind="api-link-security-group",
            purpose="The way from the API to the load balancer",
        )
        self.security_group.allow_to_group(
            load_balancer.security_group, HTTPS, "Requests of the API to the application"
        )
        self.network_load_balancer = self._create_load_balancer(network)
        self._forward_to(load_balancer, network)
        self.link = ApiGatewayVpcLink(
            self,
            "Resource",
            name=self._context.name("api-link"),
            description="From the API to the load balancer",
            target_arns=[self.network_load_balancer.arn],
            tags=self._context.name_tag("api-link"),
        )
        self.id = self.link.id

    def _create_load_balancer(self, network: Network) -> Lb:
        load_balancer = Lb(
            self,
            "Balancer",
            name=self._context.name("nlb"),
            load_balancer_type="network",
            internal=True,
            subnets=[subnet.id for subnet in network.private_subnets],
            security_groups=[self.security_group.id],
            # API Gateway connects through PrivateLink from addresses that AWS does not document, so
            # no ingress rule can allow them.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
            enforce_security_group_inbound_rules_on_private_link_traffic="off",
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=False,
            tags=self._context.name_tag("nlb"),
        )
        suppress(
            load_balancer,
            since="2026-11",
            reasons={
                "CKV_AWS_150": DESTROYABLE_REASON,
                "CKV_AWS_91": (
                    "A Network Load Balancer logs TLS listeners only; the Application Load Balancer"
                    " terminates TLS and logs every request"
                ),
            },
        )
        return load_balancer

    def _forward_to(self, load_balancer: LoadBalancer, network: Network) -> None:
        group = LbTargetGroup(
            self,
            "TargetGroup",
            name=self._context.name("alb-tg"),
            target_type="alb",
            port=HTTPS,
            protocol="TCP",
            vpc_id=network.vpc.id,
            health_check=LbTargetGroupHealthCheck(
                protocol="HTTPS", path=HEALTH_PATH, matcher="200"
            ),
            tags=self._context.name_tag("alb-tg"),
        )
        LbTargetGroupAttachment(
            self,
            "Target",
            target_group_arn=group.arn,
            target_id=load_balancer.load_balancer.arn,
            port=HTTPS,
            # A load balancer without a listener on that port is rejected as a target.
            depends_on=[load_balancer.https],
        )
        LbListener(
            self,
            "Listener",
            load_balancer_arn=self.network_load_balancer.arn,
            port=HTTPS,
            protocol="TCP",
            default_action=[LbListenerDefaultAction(type="forward", target_group_arn=group.arn)],
            tags=self._context.name_tag("api-link-listener"),
        )
