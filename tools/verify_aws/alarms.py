"""Check that an alarm reaches a subscriber of the topic."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from tools.checks import CheckFailedError, UndeterminedError
from tools.subscription import TopicSubscription
from tools.verify_aws.stack import DeployedStack

_REASON = "tap verify-aws tests the notification"


def alarm_delivery(stack: DeployedStack) -> str:
    """Set an alarm to ALARM and receive its notification with a temporary subscription.

    Creates a queue and its subscription to the topic, and deletes both; afterwards the alarm has
    its previous state. Other subscribers are notified too.
    """
    topic, cloudwatch = stack.output("alarm_topic_arn"), stack.client("cloudwatch")
    name, previous = _quiet_alarm(cloudwatch, topic)

    def set_state(value: str) -> None:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=value, StateReason=_REASON)

    with ExitStack() as cleanup:
        subscription = cleanup.enter_context(
            TopicSubscription(stack.client, topic, f"verify-aws-{stack.run_id}")
        )
        cleanup.callback(set_state, previous)
        set_state("ALARM")
        received = stack.wait_for(
            lambda: any(f'"{name}"' in message for message in subscription.messages())
        )
        if not received:
            stack.not_observed(
                f"{name} did not reach a subscriber of the topic within {stack.limit_seconds:g} s"
            )
    return (
        f"{name} reached a temporary subscriber, which was deleted; its state is {previous} again"
    )


def _quiet_alarm(cloudwatch: Any, topic: str) -> tuple[str, str]:  # noqa: ANN401
    """Name and state of an alarm of the topic that is not in the state ALARM."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    alarms = [
        (str(alarm["AlarmName"]), str(alarm["StateValue"]))
        for page in pages
        for alarm in page["MetricAlarms"]
        if alarm.get("ActionsEnabled", True) and topic in alarm["AlarmActions"]
    ]
    if not alarms:
        raise CheckFailedError(f"no alarm notifies {topic}")
    quiet = [alarm for alarm in alarms if alarm[1] != "ALARM"]
    if not quiet:
        raise UndeterminedError(f"all {len(alarms)} alarms are in the state ALARM already")
    return quiet[0]
