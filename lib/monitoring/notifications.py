"""The SNS topic of alarms and findings."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement, document, service
from lib.security.key import KEY_WRITE


class AlarmTopic(Construct):
    """Creates an encrypted topic to which CloudWatch alarms and EventBridge rules publish.

    With `email` it also creates a subscription, which is inactive until the recipient confirms it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        email: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        account, key = context.account, context.key
        key.allow_via_service("sns")
        # Without both, messages to an encrypted topic are lost without an error. CloudWatch and
        # EventBridge pass no aws:Source* keys to KMS; SNS passes the topic. By name: the key policy
        # must not refer to the topic, which refers to the key.
        topic_arn = account.arn("sns", context.name("alarm-topic"))
        for principal, sid in (
            ("cloudwatch", "AllowCloudWatchAlarms"),
            ("events", "AllowEventBridge"),
        ):
            key.allow_service(
                principal,
                sid=sid,
                actions=KEY_WRITE,
                conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}},
            )
        self.topic = SnsTopic(
            self,
            "Resource",
            name=context.name("alarm-topic"),
            kms_master_key_id=key.arn,
            tags=context.name_tag("alarm-topic"),
        )
        self.arn = self.topic.arn
        publish = ("sns:Publish",)
        self.policy = SnsTopicPolicy(
            self,
            "Policy",
            arn=self.arn,
            policy=document(
                Statement(
                    sid="AllowCloudWatchAlarms",
                    principals=service("cloudwatch"),
                    actions=publish,
                    resources=(self.arn,),
                    conditions={"StringEquals": {"aws:SourceAccount": account.id}},
                ),
                # EventBridge does not support conditions in the policy of a topic.
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
                Statement(
                    sid="AllowEventBridge",
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
        if email:
            SnsTopicSubscription(
                self,
                "Email",
                topic_arn=self.arn,
                protocol="email",
                endpoint=email,
            )
