"""Texts and ARNs that AWS rejects: one text for each constraint that applies to the stacks."""

from __future__ import annotations

from tests.support.plants import add_statement, added, fault, setting
from tests.support.template import Resource, Template

RULE = "require_accepted_text"

setting(
    RULE,
    "aws_vpc_security_group_egress_rule",
    "Api/Link/Group/ToSecurityGroup8443",
    "description",
    "The API's requests to the application",
    "web",
)
setting(
    RULE,
    "aws_wafv2_web_acl",
    "Firewall",
    "description",
    "AWS's managed rules in front of the web application",
    "web",
)
setting(RULE, "aws_security_group", "Api/Link/Group", "description", "x" * 256, "web")
setting(RULE, "aws_security_group", "Api/Link/Group", "name", "sg-unit", "web")
setting(RULE, "aws_lb_target_group", "Api/Link/ApiTargetGroup", "name", "tg_unit", "web")
setting(RULE, "aws_lb", "Api/Link/Balancer", "name", "internal-unit", "web")
setting(RULE, "aws_db_instance", None, "identifier", "web--unit", "web")
setting(RULE, "aws_rds_cluster", None, "cluster_identifier", "1-unit")
setting(RULE, "aws_sns_topic", None, "name", "topic.unit")
setting(RULE, "aws_kms_key", None, "description", "x" * 8193)
added(RULE, "aws_s3_bucket", {"bucket": "Data-unit"})
added(RULE, "aws_security_group", {"ingress": [{"description": "the API's"}]})


@fault(RULE, "tap")
def queue_name_with_reference_and_space(template: Template) -> Resource:
    queue = template.get("aws_sqs_queue", "DataProcessing/Queue")
    queue.body["name"] = "queue ${data.aws_caller_identity.current.account_id}"
    return queue


REGION_RULE = "require_arns_of_the_region"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0-1"
setting(REGION_RULE, "aws_lb_listener", "LoadBalancer/Https", "certificate_arn", CERTIFICATE, "web")


@fault(REGION_RULE)
def policy_with_the_arn_of_another_region(template: Template) -> Resource:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:master"
    policy = template.get("aws_iam_role_policy", "DataProcessing/Role/Policy")
    return add_statement(policy, Action="secretsmanager:GetSecretValue", Resource=secret)
