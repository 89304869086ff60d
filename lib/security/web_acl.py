"""The web application firewall: AWS's managed rules in front of what the internet reaches."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_log_resource_policy import CloudwatchLogResourcePolicy
from cdktf_cdktf_provider_aws.wafv2_web_acl import (
    Wafv2WebAcl,
    Wafv2WebAclDefaultAction,
    Wafv2WebAclDefaultActionAllow,
    Wafv2WebAclRule,
    Wafv2WebAclRuleOverrideAction,
    Wafv2WebAclRuleOverrideActionNone,
    Wafv2WebAclRuleVisibilityConfig,
    Wafv2WebAclVisibilityConfig,
)
from cdktf_cdktf_provider_aws.wafv2_web_acl_association import Wafv2WebAclAssociation
from cdktf_cdktf_provider_aws.wafv2_web_acl_logging_configuration import (
    Wafv2WebAclLoggingConfiguration,
    Wafv2WebAclLoggingConfigurationRedactedFields,
    Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader,
)
from constructs import Construct

from lib.context import Foundation
from lib.iam_policy import Statement, document, service
from lib.monitoring.log_group import LogGroup

# In the order they are asked; the cheapest to answer first. Together they take 1325 of the 1500
# units that a web ACL has before each request costs more.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED_RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
)
# Why checkov's question for the anonymous IP list stays unanswered where Log4j is meant.
NOT_ASKED = (
    "The known bad inputs hold Log4j's; the anonymous IP list would block callers in other clouds"
)
# What a request proves its sender by, and so is not to be read in a log.
REDACTED_HEADERS = ("authorization", "cookie")


class Firewall(Construct):
    """Creates a regional WAFv2 web ACL of AWS's managed rule groups, with its log.

    Each group blocks what it was made to block; what none of them blocks passes. Every request is
    logged under the key, `authorization` and `cookie` blanked out, and counted by rule in
    CloudWatch. It protects nothing by itself: `protect` puts it in front of a load balancer or an
    API's stage, each of which can have one web ACL.
    """

    def __init__(self, scope: Construct, id_: str, *, foundation: Foundation) -> None:
        super().__init__(scope, id_)
        settings = foundation.settings
        self.name = settings.name("firewall")
        self.web_acl = Wafv2WebAcl(
            self,
            "Resource",
            name=self.name,
            description="AWS's managed rules in front of the web application",
            scope="REGIONAL",
            default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
            rule=[self._rule(number, group) for number, group in enumerate(MANAGED_RULE_GROUPS, 1)],
            visibility_config=Wafv2WebAclVisibilityConfig(**self._visibility(self.name)),
            tags=settings.name_tag("firewall"),
        )
        self._log(foundation)

    def protect(self, id_: str, arn: str) -> None:
        """Put the firewall in front of the load balancer or API stage of that ARN."""
        Wafv2WebAclAssociation(self, id_, resource_arn=arn, web_acl_arn=self.web_acl.arn)

    def _rule(self, priority: int, group: str) -> Wafv2WebAclRule:
        return Wafv2WebAclRule(
            name=group,
            priority=priority,
            # None means that the group's own actions hold.
            override_action=Wafv2WebAclRuleOverrideAction(none=Wafv2WebAclRuleOverrideActionNone()),
            statement={"managed_rule_group_statement": {"vendor_name": "AWS", "name": group}},
            visibility_config=Wafv2WebAclRuleVisibilityConfig(**self._visibility(group)),
        )

    def _visibility(self, metric: str) -> dict[str, Any]:
        return {
            "metric_name": metric,
            "cloudwatch_metrics_enabled": True,
            "sampled_requests_enabled": True,
        }

    def _log(self, foundation: Foundation) -> None:
        settings, account = foundation.settings, foundation.account
        logs = LogGroup(
            self,
            "Logs",
            foundation=foundation,
            # WAF accepts log groups whose name begins so, and no others.
            # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
            path="aws-waf-logs-regional",
            kind="firewall",
        )
        # Where the account has no such policy, AWS writes one itself, which nobody would destroy.
        delivery = CloudwatchLogResourcePolicy(
            self,
            "LogPolicy",
            policy_name=settings.name("firewall-logs"),
            policy_document=document(
                Statement(
                    sid="FirewallWrites",
                    principals=service("delivery.logs"),
                    actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                    resources=(f"{logs.arn}:*",),
                    conditions={
                        "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
                        "StringEquals": {"aws:SourceAccount": account.id},
                    },
                )
            ),
        )
        Wafv2WebAclLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl.arn,
            log_destination_configs=[logs.arn],
            redacted_fields=[
                Wafv2WebAclLoggingConfigurationRedactedFields(
                    single_header=Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader(
                        name=header
                    )
                )
                for header in REDACTED_HEADERS
            ],
            depends_on=[delivery],
        )
