"""The restriction of IAM roles to one Region."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from constructs import Construct

from lib.iam_policy import Statement, document
from lib.naming import Naming

# Services whose endpoints are global (they respond in us-east-1 for every Region): a restriction by
# aws:RequestedRegion must exempt them.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
REGION_EXEMPT_ACTIONS = (
    *("a4b:*", "account:*", "acm:*", "aws-marketplace:*", "aws-marketplace-management:*"),
    *("aws-portal:*", "billing:*", "budgets:*", "ce:*", "chime:*", "cloudfront:*", "config:*"),
    *("consoleapp:*", "consolidatedbilling:*", "cur:*", "directconnect:*"),
    *("ec2:DescribeRegions", "ec2:DescribeTransitGateways", "ec2:DescribeVpnGateways"),
    *("fms:*", "freetier:*", "globalaccelerator:*", "health:*", "iam:*", "identitystore:*"),
    *("importexport:*", "invoicing:*", "mobileanalytics:*", "networkmanager:*"),
    *("organizations:*", "payments:*", "pricing:*", "route53:*", "route53domains:*"),
    *("route53-recovery-cluster:*", "route53-recovery-control-config:*"),
    *("route53-recovery-readiness:*", "s3:GetAccountPublic*", "s3:ListAllMyBuckets"),
    *("s3:PutAccountPublic*", "shield:*", "sso:*", "sts:*", "support:*", "supportplans:*"),
    *("tax:*", "trustedadvisor:*", "waf:*", "waf-regional:*", "wafv2:*"),
)


class RegionRestriction(Construct):
    """Creates a managed policy that denies every regional action outside one Region.

    `ServiceRole` attaches it. Global services are exempt (`REGION_EXEMPT_ACTIONS`).
    """

    def __init__(self, scope: Construct, id_: str, *, naming: Naming, region: str) -> None:
        super().__init__(scope, id_)
        self.policy = IamPolicy(
            self,
            "Resource",
            name=naming.name("region-policy"),
            description=f"Denies regional services outside {region}",
            policy=document(
                Statement(
                    sid="DenyOtherRegions",
                    effect="Deny",
                    not_actions=REGION_EXEMPT_ACTIONS,
                    conditions={"StringNotEquals": {"aws:RequestedRegion": region}},
                )
            ),
            tags=naming.name_tag("region-policy"),
        )
