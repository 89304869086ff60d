"""The SNS topic of alarms and findings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement, document, service
from lib.security.key import KEY_WRITE


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """Who receives alarms: an e-mail address, HTTPS URLs, ARNs of SQS queues and Lambda functions.

    The policy of a queue or function must let `sns.amazonaws.com` send messages or invoke it.
    """

    email: str | None = None
    endpoints: tuple[str, ...] = ()

    def subscriptions(self) -> Iterator[tuple[str, str, str]]:
        """The construct id, protocol and endpoint of each subscription."""
        if self.email:
            yield "Email", "email", self.email
        for endpoint in self.endpoints:
            # The id depends on the endpoint, so that another one in the list replaces none.
            digest = hashlib.sha256(endpoint.encode()).hexdigest()[:8]
            protocol = endpoint.split(":")[2] if endpoint.startswith("arn:") else "https"
            yield f"Subscriber{digest}", protocol, endpoint


class AlarmTopic(Construct):
    """Creates an encrypted topic to which CloudWatch alarms and EventBridge rules publish.

    With `database_events`, RDS publishes to it too. It creates a subscription for each of the
    `receivers`. Those of e-mail addresses and HTTPS URLs are inactive until the receiver confirms
    them.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        receivers: Receivers | None = None,
        database_events: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        account, key = context.account, context.key
        key.allow_via_service("sns")
        # Without these, messages to an encrypted topic are lost without an error. The services
        # pass no aws:Source* keys to KMS; SNS passes the topic. By name: the key policy
        # must not refer to the topic, which refers to the key.
        topic_arn = account.arn("sns", context.name("alarm-topic"))
        publishers = {"cloudwatch": "AllowCloudWatchAlarms", "events": "AllowEventBridge"}
        if database_events:
            publishers["events.rds"] = "AllowRdsEvents"
        for principal, sid in publishers.items():
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
                # EventBridge does not support conditions in the policy of a topic.
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
                # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html
                *(
                    Statement(
                        sid=sid,
                        principals=service(principal),
                        actions=publish,
                        resources=(self.arn,),
                        conditions={}
                        if principal == "events"
                        else {"StringEquals": {"aws:SourceAccount": account.id}},
                    )
                    for principal, sid in publishers.items()
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
        for id_of_one, protocol, endpoint in (receivers or Receivers()).subscriptions():
            SnsTopicSubscription(
                self, id_of_one, topic_arn=self.arn, protocol=protocol, endpoint=endpoint
            )
