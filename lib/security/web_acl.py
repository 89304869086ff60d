"""WAF web ACLs with AWS managed rule groups."""

from __future__ import annotations

from typing import Any

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.cloudwatch_log_resource_policy import CloudwatchLogResourcePolicy
from cdktf_cdktf_provider_aws.wafv2_web_acl import (
    Wafv2WebAcl,
    Wafv2WebAclDefaultAction,
    Wafv2WebAclDefaultActionAllow,
    Wafv2WebAclRule,
    Wafv2WebAclRuleAction,
    Wafv2WebAclRuleActionAllow,
    Wafv2WebAclRuleActionBlock,
    Wafv2WebAclRuleOverrideAction,
    Wafv2WebAclRuleOverrideActionNone,
    Wafv2WebAclRuleVisibilityConfig,
    Wafv2WebAclVisibilityConfig,
)
from cdktf_cdktf_provider_aws.wafv2_web_acl_association import Wafv2WebAclAssociation
from cdktf_cdktf_provider_aws.wafv2_web_acl_logging_configuration import (
    Wafv2WebAclLoggingConfiguration,
    Wafv2WebAclLoggingConfigurationRedactedFields,
    Wafv2WebAclLoggingConfigurationRedactedFieldsQueryString,
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
# Rules that are counted and do not block. SizeRestrictions_BODY blocks bodies over 8 KB, which a
# web ACL cannot raise; the web servers limit the size of bodies.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
COUNTED_RULES = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
# checkov requires the anonymous IP list together with the rules against Log4j.
ANONYMOUS_IP_LIST_REASON = (
    "Known bad inputs cover Log4j; the anonymous IP list blocks callers of hosting providers"
)
# Headers with credentials.
REDACTED_HEADERS = ("authorization", "cookie", "x-amz-security-token")
# The start of every ARN.
ARN_PREFIX = "arn:"


class WebAcls(Construct):
    """Creates two regional WAFv2 web ACLs, one per path: load balancer and API; and their log.

    Both block addresses that send more than `requests_per_address` requests in five minutes, and
    have the AWS managed rule groups; requests that no rule blocks are allowed. API Gateway forwards
    its requests to the same load balancer. They have an ARN in the header `authenticated_header`,
    with which the first rule of the load balancer's web ACL allows them, so that only the web ACL
    of the API evaluates the other rules for them. The listener of the load balancer must reject the
    header in requests of clients.

    Every request is logged, encrypted and without credentials: neither the headers
    `REDACTED_HEADERS` nor the query string, which contains the signature of a presigned request.
    WAF counts requests by rule in CloudWatch and stores no samples, to which redaction does not
    apply.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        load_balancer_arn: str,
        api_stage_arn: str,
        authenticated_header: str,
        requests_per_address: int,
    ) -> None:
        super().__init__(scope, id_)
        self._context = context
        self.logs = self._create_logs()
        self._delivery = self._allow_delivery()
        blocking = [
            self._rate_rule(requests_per_address),
            *(self._managed_rule(group) for group in MANAGED_RULE_GROUPS),
        ]
        self.load_balancer = self._create_web_acl(
            "Resource",
            "firewall",
            "AWS managed rules in front of the web application",
            [self._authenticated_rule(authenticated_header), *blocking],
        )
        self.api = self._create_web_acl(
            "ApiWebAcl", "api-firewall", "AWS managed rules in front of the API", blocking
        )
        for id_, arn, web_acl in (
            ("LoadBalancer", load_balancer_arn, self.load_balancer),
            ("Api", api_stage_arn, self.api),
        ):
            Wafv2WebAclAssociation(self, id_, resource_arn=arn, web_acl_arn=web_acl.arn)
        self._log("Logging", self.load_balancer)
        self._log("ApiLogging", self.api)

    def _create_web_acl(
        self, id_: str, kind: str, description: str, rules: list[dict[str, Any]]
    ) -> Wafv2WebAcl:
        name = self._context.name(kind)
        return Wafv2WebAcl(
            self,
            id_,
            name=name,
            description=description,
            scope="REGIONAL",
            default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
            rule=[
                Wafv2WebAclRule(
                    **rule,
                    priority=priority,
                    visibility_config=Wafv2WebAclRuleVisibilityConfig(
                        **self._visibility(rule["name"])
                    ),
                )
                for priority, rule in enumerate(rules, 1)
            ],
            visibility_config=Wafv2WebAclVisibilityConfig(**self._visibility(name)),
            tags=self._context.name_tag(kind),
        )

    def _authenticated_rule(self, header: str) -> dict[str, Any]:
        return {
            "name": "AuthenticatedApi",
            # Ends the evaluation; the listener decides.
            "action": Wafv2WebAclRuleAction(allow=Wafv2WebAclRuleActionAllow()),
            "statement": {
                "byte_match_statement": {
                    "field_to_match": {"single_header": {"name": header.lower()}},
                    "positional_constraint": "STARTS_WITH",
                    "search_string": ARN_PREFIX,
                    "text_transformation": [{"priority": 0, "type": "NONE"}],
                }
            },
        }

    def _rate_rule(self, limit: int) -> dict[str, Any]:
        return {
            "name": "RequestsPerAddress",
            "action": Wafv2WebAclRuleAction(block=Wafv2WebAclRuleActionBlock()),
            "statement": {"rate_based_statement": {"aggregate_key_type": "IP", "limit": limit}},
        }

    def _managed_rule(self, group: str) -> dict[str, Any]:
        statement: dict[str, Any] = {"vendor_name": "AWS", "name": group}
        if group in COUNTED_RULES:
            statement["rule_action_override"] = [
                {"name": name, "action_to_use": {"count": {}}} for name in COUNTED_RULES[group]
            ]
        return {
            "name": group,
            # `none` keeps the other actions of the rule group.
            "override_action": Wafv2WebAclRuleOverrideAction(
                none=Wafv2WebAclRuleOverrideActionNone()
            ),
            "statement": {"managed_rule_group_statement": statement},
        }

    def _visibility(self, metric: str) -> dict[str, Any]:
        return {
            "metric_name": metric,
            "cloudwatch_metrics_enabled": True,
            # Redaction does not apply to samples, which contain credentials.
            # https://docs.aws.amazon.com/waf/latest/APIReference/API_VisibilityConfig.html
            "sampled_requests_enabled": False,
        }

    def _create_logs(self) -> LogGroup:
        return LogGroup(
            self,
            "Logs",
            context=self._context,
            # WAF requires this prefix in the name of a log group.
            # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
            path="aws-waf-logs-regional",
            kind="firewall",
        )

    def _allow_delivery(self) -> ITerraformDependable:
        """Without this policy AWS creates one that Terraform does not manage."""
        account = self._context.account
        return CloudwatchLogResourcePolicy(
            self,
            "LogPolicy",
            policy_name=self._context.name("firewall-logs"),
            policy_document=document(
                Statement(
                    sid="AWSLogDeliveryWrite",
                    principals=service("delivery.logs"),
                    actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                    resources=(f"{self.logs.arn}:*",),
                    conditions={
                        "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
                        "StringEquals": {"aws:SourceAccount": account.id},
                    },
                )
            ),
        )

    def _log(self, id_: str, web_acl: Wafv2WebAcl) -> None:
        fields = Wafv2WebAclLoggingConfigurationRedactedFields
        Wafv2WebAclLoggingConfiguration(
            self,
            id_,
            resource_arn=web_acl.arn,
            log_destination_configs=[self.logs.arn],
            redacted_fields=[
                *(
                    fields(
                        single_header=Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader(
                            name=header
                        )
                    )
                    for header in REDACTED_HEADERS
                ),
                fields(query_string=Wafv2WebAclLoggingConfigurationRedactedFieldsQueryString()),
            ],
            depends_on=[self._delivery],
        )
