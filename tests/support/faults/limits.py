"""Texts that AWS rejects, one for each constraint that applies to the stacks."""

from __future__ import annotations

from tests.support.plants import added, fault, setting
from tests.support.template import Resource, Template

RULE = "require_accepted_text"

setting(
    RULE,
    "aws_vpc_security_group_egress_rule",
    "Api/Link/Group/ToSecurityGroup443",
    "description",
    "The API's requests to the application",
    "web",
)
setting(
    RULE,
    "aws_wafv2_web_acl",
    None,
    "description",
    "AWS's managed rules in front of the web application",
    "web",
)
setting(RULE, "aws_security_group", "Api/Link/Group", "description", "x" * 256, "web")
setting(RULE, "aws_security_group", "Api/Link/Group", "name", "sg-unit", "web")
setting(RULE, "aws_lb_target_group", "Api/Link/TargetGroup", "name", "tg_unit", "web")
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
