"""Notifications of GuardDuty and Security Hub findings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetInputTransformer,
)
from constructs import Construct

from lib.context import Context
from lib.monitoring.alarms import Alarm, AlarmRule
from lib.monitoring.notifications import AlarmTopic

GUARDDUTY_MEDIUM = 4


@dataclass(frozen=True)
class FindingRule:
    """One row: the event pattern, and the message that is built from the event."""

    name: str
    meaning: str
    pattern: Mapping[str, Any]
    paths: Mapping[str, str]
    message: str


# The detectors belong to the account (one GuardDuty detector per Region). Without a detector these
# rules match no events and cost nothing.
FINDING_RULES = (
    FindingRule(
        "guardduty-findings",
        "GuardDuty findings of medium severity and above",
        {
            "source": ["aws.guardduty"],
            "detail-type": ["GuardDuty Finding"],
            "detail": {"severity": [{"numeric": [">=", GUARDDUTY_MEDIUM]}]},
        },
        {
            "severity": "$.detail.severity",
            "type": "$.detail.type",
            "title": "$.detail.title",
            "account": "$.account",
            "region": "$.region",
            "id": "$.detail.id",
        },
        "GuardDuty, severity <severity>: <title> (<type>) in account <account>, <region>."
        " Finding <id>.",
    ),
    FindingRule(
        "security-hub-findings",
        "New Security Hub findings that are high or critical",
        {
            "source": ["aws.securityhub"],
            "detail-type": ["Security Hub Findings - Imported"],
            "detail": {
                "findings": {
                    "Severity": {"Label": ["HIGH", "CRITICAL"]},
                    "Workflow": {"Status": ["NEW"]},
                    "RecordState": ["ACTIVE"],
                }
            },
        },
        {
            "severity": "$.detail.findings[0].Severity.Label",
            "title": "$.detail.findings[0].Title",
            "resource": "$.detail.findings[0].Resources[0].Id",
            "account": "$.account",
            "region": "$.region",
        },
        "Security Hub, <severity>: <title> at <resource> in account <account>, <region>.",
    ),
    # The new Security Hub sends findings in the OCSF schema with another detail type.
    FindingRule(
        "security-hub-v2-findings",
        "New findings of the new Security Hub that are high, critical or fatal",
        {
            "source": ["aws.securityhub"],
            "detail-type": ["Findings Imported V2"],
            "detail": {"findings": {"severity": ["High", "Critical", "Fatal"], "status": ["New"]}},
        },
        {
            "severity": "$.detail.findings[0].severity",
            "title": "$.detail.findings[0].finding_info.title",
            "resource": "$.detail.findings[0].resources[0].uid",
            "account": "$.account",
            "region": "$.region",
        },
        "Security Hub, <severity>: <title> at <resource> in account <account>, <region>.",
    ),
)


class Findings(Construct):
    """Creates an EventBridge rule for each row of `FINDING_RULES`, with the topic as its target.

    Messages contain no free text except titles, because EventBridge does not escape values and a
    quotation mark makes the message invalid. An alarm reports undelivered messages.
    """

    def __init__(self, scope: Construct, id_: str, *, context: Context, topic: AlarmTopic) -> None:
        super().__init__(scope, id_)
        self.alarms = []
        for row in FINDING_RULES:
            rule = CloudwatchEventRule(
                self,
                f"{row.name}-rule",
                name=context.name(row.name),
                description=row.meaning,
                event_pattern=json.dumps(row.pattern),
                tags=context.name_tag(row.name),
            )
            CloudwatchEventTarget(
                self,
                f"{row.name}-target",
                rule=rule.name,
                target_id="alarm-topic",
                arn=topic.arn,
                # The template is a JSON string; EventBridge replaces the <names>.
                input_transformer=CloudwatchEventTargetInputTransformer(
                    input_paths=dict(row.paths), input_template=json.dumps(row.message)
                ),
                depends_on=[topic.policy],
            )
            undelivered = AlarmRule(
                name=f"{row.name}-undelivered",
                meaning=f"{row.meaning}: a message was not delivered",
                namespace="AWS/Events",
                metric="FailedInvocations",
                statistic="Sum",
                threshold=0,
                dimensions={"RuleName": rule.name},
            )
            self.alarms.append(
                Alarm(self, f"{row.name}-alarm", context=context, topic=topic, rule=undelivered)
            )
