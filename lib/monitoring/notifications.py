"""Where alarms and findings go: one encrypted SNS topic."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from lib.context import Foundation
from lib.iam_policy import Statement, document, service


class AlarmTopic(Construct):
    """Creates the topic that CloudWatch alarms and EventBridge rules publish to.

    With the setting `monitoring.alarm_email` it also creates a subscription, which does nothing
    until its owner follows the link in the confirmation mail.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
    ) -> None:
        super().__init__(scope, id_)
        settings, account, key = foundation.settings, foundation.account, foundation.key
        # Without both, messages of an encrypted topic are lost and nothing says so.
        key.allow_service("cloudwatch")
        key.allow_service("events")
        self.topic = SnsTopic(
            self,
            "Resource",
            name=settings.name("alarm-topic"),
            kms_master_key_id=key.arn,
            tags=settings.name_tag("alarm-topic"),
        )
        self.arn = self.topic.arn
        publish = ("sns:Publish",)
        self.policy = SnsTopicPolicy(
            self,
            "Policy",
            arn=self.arn,
            policy=document(
                Statement(
                    sid="AlarmsPublish",
                    principals=service("cloudwatch"),
                    actions=publish,
                    resources=(self.arn,),
                    conditions={"StringEquals": {"aws:SourceAccount": account.id}},
                ),
                # EventBridge evaluates no condition in a topic's policy; with one it is refused.
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
                Statement(
                    sid="RulesPublish",
                    principals=service("events"),
                    actions=publish,
                    resources=(self.arn,),
                ),
                Statement(
                    sid="DenyPlainHttp",
                    effect="Deny",
                    principals="*",
                    actions=publish,
                    resources=(self.arn,),
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                ),
            ),
        )
        if settings.monitoring.alarm_email:
            SnsTopicSubscription(
                self,
                "Email",
                topic_arn=self.arn,
                protocol="email",
                endpoint=settings.monitoring.alarm_email,
            )
