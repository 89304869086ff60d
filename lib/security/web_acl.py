"""WAF web ACLs with AWS managed rule groups."""

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

from lib.context import Context
from lib.iam_policy import Statement, document, service
from lib.monitoring.log_group import LogGroup

# In order of evaluation. They use 1325 of the 1500 web ACL capacity units that are included in the
# basic price.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED_RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
)
# checkov requires the anonymous IP list together with the rules against Log4j.
ANONYMOUS_IP_LIST_REASON = (
    "Known bad inputs cover Log4j; the anonymous IP list blocks callers of hosting providers"
)
# Headers with credentials.
REDACTED_HEADERS = ("authorization", "cookie")


class WebAcl(Construct):
    """Creates a regional WAFv2 web ACL with AWS managed rule groups, and its log.

    Requests that no rule group blocks are allowed. Every request is logged, encrypted and without
    the headers `authorization` and `cookie`, and counted by rule in CloudWatch. `associate`
    protects a load balancer or an API stage, each of which can have one web ACL.
    """

    def __init__(self, scope: Construct, id_: str, *, context: Context) -> None:
        super().__init__(scope, id_)
        self.name = context.name("firewall")
        self.web_acl = Wafv2WebAcl(
            self,
            "Resource",
            name=self.name,
            description="AWS managed rules in front of the web application",
            scope="REGIONAL",
            default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
            rule=[self._rule(number, group) for number, group in enumerate(MANAGED_RULE_GROUPS, 1)],
            visibility_config=Wafv2WebAclVisibilityConfig(**self._visibility(self.name)),
            tags=context.name_tag("firewall"),
        )
        self._log(context)

    def associate(self, id_: str, arn: str) -> None:
        """Protect the load balancer or API stage with that ARN."""
        Wafv2WebAclAssociation(self, id_, resource_arn=arn, web_acl_arn=self.web_acl.arn)

    def _rule(self, priority: int, group: str) -> Wafv2WebAclRule:
        return Wafv2WebAclRule(
            name=group,
            priority=priority,
            # `none` keeps the actions of the rule group.
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

    def _log(self, context: Context) -> None:
        account = context.account
        logs = LogGroup(
            self,
            "Logs",
            context=context,
            # WAF requires this prefix in the name of a log group.
            # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
            path="aws-waf-logs-regional",
            kind="firewall",
        )
        # Without it AWS creates a resource policy that Terraform does not manage.
        delivery = CloudwatchLogResourcePolicy(
            self,
            "LogPolicy",
            policy_name=context.name("firewall-logs"),
            policy_document=document(
                Statement(
                    sid="AWSLogDeliveryWrite",
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
