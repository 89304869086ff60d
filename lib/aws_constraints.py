"""Constraints of AWS on texts and engine versions, as data for synthesis and for the emulator.

``terraform plan`` accepts texts that AWS rejects during the apply. ``lib.rules.texts`` applies
``TEXT_CONSTRAINTS`` to the synthesized JSON, and ``tools.emulator.validation`` to API requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

_EC2_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_ELB_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_RDS_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"
_MODELS = "https://github.com/boto/botocore/tree/develop/botocore/data"


@dataclass(frozen=True, kw_only=True)
class TextConstraint:
    """The accepted values of a text: a pattern for the whole text, and lengths in characters.

    ``arguments`` are triples of a Terraform resource type, an argument, and the API operation with
    which the provider sends it; ``members`` are triples of a service (botocore's name), an
    operation and a member of its input. In both, ``[]`` stands for each item of a list:
    ``ingress[].description``. ``in_model`` states that botocore's model has the same constraint.
    """

    name: str
    accepted: str
    source: str
    pattern: str = r"(?s:.*)"
    minimum: int = 0
    maximum: int
    arguments: tuple[tuple[str, str, str], ...]
    members: tuple[tuple[str, str, str], ...]
    in_model: bool = False

    def problem(self, text: str) -> str | None:
        """Return the violated part of the constraint; None for an accepted text."""
        if not self.minimum <= len(text) <= self.maximum:
            return f"{self.minimum} to {self.maximum} characters, not {len(text)}"
        if not re.fullmatch(self.pattern, text, re.ASCII):
            return self.accepted
        return None

    def member_of(self, operation: str) -> str:
        """Return ``service.Operation`` and the member that has the text, for messages."""
        service, _, member = next(one for one in self.members if one[1] == operation)
        return f"{service}.{operation}, member {member.rpartition('.')[2]}"


_RULE_BLOCKS = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_RULE_OPERATIONS = (
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress",
)
_GROUP_TYPES = ("aws_security_group", "aws_default_security_group")
_INGRESS, _EGRESS = _RULE_OPERATIONS[:2]
_WAF_OPERATIONS = {
    "aws_wafv2_web_acl": "CreateWebACL",
    "aws_wafv2_rule_group": "CreateRuleGroup",
    "aws_wafv2_ip_set": "CreateIPSet",
    "aws_wafv2_regex_pattern_set": "CreateRegexPatternSet",
}

TEXT_CONSTRAINTS: tuple[TextConstraint, ...] = (
    TextConstraint(
        name="security group name",
        accepted="letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not beginning with sg-",
        source=f"{_EC2_API}/API_CreateSecurityGroup.html",
        pattern=r"(?!sg-)[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*",
        minimum=1,
        maximum=255,
        arguments=(("aws_security_group", "name", "CreateSecurityGroup"),),
        members=(("ec2", "CreateSecurityGroup", "GroupName"),),
    ),
    TextConstraint(
        name="security group description",
        accepted="letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*",
        source=f"{_EC2_API}/API_CreateSecurityGroup.html",
        pattern=r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*",
        minimum=1,
        maximum=255,
        arguments=(("aws_security_group", "description", "CreateSecurityGroup"),),
        members=(("ec2", "CreateSecurityGroup", "Description"),),
    ),
    TextConstraint(
        name="security group rule description",
        accepted="letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*",
        source=f"{_EC2_API}/API_IpRange.html",
        pattern=r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*",
        maximum=255,
        arguments=(
            ("aws_vpc_security_group_ingress_rule", "description", _INGRESS),
            ("aws_vpc_security_group_egress_rule", "description", _EGRESS),
            ("aws_security_group_rule", "description", _INGRESS),
            *((type_, "ingress[].description", _INGRESS) for type_ in _GROUP_TYPES),
            *((type_, "egress[].description", _EGRESS) for type_ in _GROUP_TYPES),
        ),
        members=(
            *(
                ("ec2", operation, f"IpPermissions[].{block}[].Description")
                for operation in _RULE_OPERATIONS
                for block in _RULE_BLOCKS
            ),
            *(
                ("ec2", operation, "SecurityGroupRuleDescriptions[].Description")
                for operation in _RULE_OPERATIONS[2:]
            ),
            (
                "ec2",
                "ModifySecurityGroupRules",
                "SecurityGroupRules[].SecurityGroupRule.Description",
            ),
        ),
    ),
    TextConstraint(
        name="WAFv2 description",
        accepted="letters, digits, spaces and _+=:#@/-,. with no space at either end",
        source="https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateWebACL.html",
        pattern=r"^[\w+=:#@/\-,\.][\w+=:#@/\-,\.\s]+[\w+=:#@/\-,\.]$",
        minimum=1,
        maximum=256,
        arguments=tuple((type_, "description", name) for type_, name in _WAF_OPERATIONS.items()),
        members=tuple(("wafv2", name, "Description") for name in _WAF_OPERATIONS.values()),
        in_model=True,
    ),
    TextConstraint(
        name="load balancer name",
        accepted=(
            "letters, digits and hyphens, with no hyphen at either end and not beginning with"
            " internal-"
        ),
        source=f"{_ELB_API}/API_CreateLoadBalancer.html",
        pattern=r"(?!internal-)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
        minimum=1,
        maximum=32,
        arguments=(
            ("aws_lb", "name", "CreateLoadBalancer"),
            ("aws_alb", "name", "CreateLoadBalancer"),
        ),
        members=(("elbv2", "CreateLoadBalancer", "Name"),),
    ),
    TextConstraint(
        name="target group name",
        accepted="letters, digits and hyphens, with no hyphen at either end",
        source=f"{_ELB_API}/API_CreateTargetGroup.html",
        pattern=r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
        minimum=1,
        maximum=32,
        arguments=(
            ("aws_lb_target_group", "name", "CreateTargetGroup"),
            ("aws_alb_target_group", "name", "CreateTargetGroup"),
        ),
        members=(("elbv2", "CreateTargetGroup", "Name"),),
    ),
    TextConstraint(
        name="database identifier",
        accepted=(
            "letters, digits and single hyphens, beginning with a letter, not ending with a hyphen"
        ),
        source=f"{_RDS_API}/API_CreateDBInstance.html",
        pattern=r"[a-zA-Z](?:-?[a-zA-Z0-9])*",
        minimum=1,
        maximum=63,
        arguments=(
            ("aws_rds_cluster", "cluster_identifier", "CreateDBCluster"),
            ("aws_rds_cluster_instance", "identifier", "CreateDBInstance"),
            ("aws_db_instance", "identifier", "CreateDBInstance"),
        ),
        members=(
            ("rds", "CreateDBCluster", "DBClusterIdentifier"),
            ("rds", "CreateDBInstance", "DBInstanceIdentifier"),
        ),
    ),
    TextConstraint(
        name="bucket name",
        accepted=(
            "lowercase letters, digits, hyphens and single dots, with a letter or digit at either"
            " end, no reserved prefix or suffix, and not the form of an IP address"
        ),
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
        pattern=(
            r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
            r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]"
        ),
        minimum=3,
        maximum=63,
        arguments=(("aws_s3_bucket", "bucket", "CreateBucket"),),
        members=(("s3", "CreateBucket", "Bucket"),),
    ),
    TextConstraint(
        name="queue name",
        accepted="letters, digits, hyphens and underscores, and .fifo at the end",
        source=(
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
            "API_CreateQueue.html"
        ),
        pattern=r"[\w-]+(?:\.fifo)?",
        minimum=1,
        maximum=80,
        arguments=(("aws_sqs_queue", "name", "CreateQueue"),),
        members=(("sqs", "CreateQueue", "QueueName"),),
    ),
    TextConstraint(
        name="topic name",
        accepted="letters, digits, hyphens and underscores, and .fifo at the end",
        source="https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
        pattern=r"[\w-]+(?:\.fifo)?",
        minimum=1,
        maximum=256,
        arguments=(("aws_sns_topic", "name", "CreateTopic"),),
        members=(("sns", "CreateTopic", "Name"),),
    ),
    TextConstraint(
        name="IAM role description",
        accepted="printable characters of Latin-1, tabs and line breaks",
        source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
        pattern=r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
        maximum=1000,
        arguments=(("aws_iam_role", "description", "CreateRole"),),
        members=(("iam", "CreateRole", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="IAM policy description",
        accepted="any text",
        source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html",
        maximum=1000,
        arguments=(("aws_iam_policy", "description", "CreatePolicy"),),
        members=(("iam", "CreatePolicy", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="Lambda function description",
        accepted="any text",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
        maximum=256,
        arguments=(("aws_lambda_function", "description", "CreateFunction"),),
        members=(("lambda", "CreateFunction", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="event rule description",
        accepted="any text",
        source="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
        maximum=512,
        arguments=(("aws_cloudwatch_event_rule", "description", "PutRule"),),
        members=(("events", "PutRule", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="KMS key description",
        accepted="any text",
        source="https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
        maximum=8192,
        arguments=(("aws_kms_key", "description", "CreateKey"),),
        members=(("kms", "CreateKey", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="alarm description",
        accepted="any text",
        source=(
            "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
            "API_PutMetricAlarm.html"
        ),
        maximum=1024,
        arguments=(
            ("aws_cloudwatch_metric_alarm", "alarm_description", "PutMetricAlarm"),
            ("aws_cloudwatch_composite_alarm", "alarm_description", "PutCompositeAlarm"),
        ),
        members=(
            ("cloudwatch", "PutMetricAlarm", "AlarmDescription"),
            ("cloudwatch", "PutCompositeAlarm", "AlarmDescription"),
        ),
        in_model=True,
    ),
    TextConstraint(
        name="parameter description",
        accepted="any text",
        source=(
            "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"
        ),
        maximum=1024,
        arguments=(("aws_ssm_parameter", "description", "PutParameter"),),
        members=(("ssm", "PutParameter", "Description"),),
        in_model=True,
    ),
    TextConstraint(
        name="secret description",
        accepted="any text",
        source=(
            "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
        ),
        maximum=2048,
        arguments=(("aws_secretsmanager_secret", "description", "CreateSecret"),),
        members=(("secretsmanager", "CreateSecret", "Description"),),
        in_model=True,
    ),
)


# The end of standard support: a version cannot be created afterwards, and is upgraded by force.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html
ENGINE_VERSION_ENDS: dict[str, dict[str, date]] = {
    "aurora-postgresql": {
        "16.8": date(2029, 2, 28),
        "16.9": date(2026, 12, 31),
        "16.10": date(2027, 4, 30),
        "16.11": date(2027, 5, 31),
        "16.13": date(2027, 9, 30),
        "16.14": date(2027, 12, 31),
    },
}
# The end of standard support of a major version: afterwards it requires Extended Support.
ENGINE_MAJOR_VERSION_ENDS: dict[str, dict[str, date]] = {
    "aurora-postgresql": {"13": date(2026, 2, 28), "14": date(2027, 2, 28)},
    "postgres": {"13": date(2026, 2, 28), "14": date(2027, 2, 28)},
}


def select(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield path and value of each member of a document that a path selects.

    ``[]`` selects each item of a list; a single item, as Terraform's JSON allows, counts as a list
    of one.
    """
    found: list[tuple[str, Any]] = [("", value)]
    for part in path.split("."):
        name = part.removesuffix("[]")
        found = [
            (f"{at}.{name}".strip("."), one[name])
            for at, one in found
            if isinstance(one, dict) and one.get(name) is not None
        ]
        if part.endswith("[]"):
            found = [
                (f"{at}[{number}]", item)
                for at, items in found
                for number, item in enumerate(items if isinstance(items, list) else [items])
            ]
    yield from found
