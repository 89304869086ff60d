"""SQS: attributes that last, policies that refuse, dead letters that go back."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import ActionResult
from moto.moto_api._internal import mock_random
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import Queue
from moto.sqs.responses import SQSResponse

from tools.emulator.gaps.access import caller, context, refuse
from tools.emulator.patching import put
from tools.emulator.policies import Call, Verdict, judge


def keep_what_an_update_does_not_name() -> None:
    """SetQueueAttributes changes what it names; moto takes the policy away if it is not named."""
    original = Queue._set_attributes

    def _set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        if "Policy" not in attributes:
            attributes = attributes | {"Policy": self.policy}
        original(self, attributes, now)

    put(Queue, _set_attributes=_set_attributes)


def keep_redrive_allow_policies() -> None:
    """A queue tells which others may use it for their dead letters; moto stores it and is silent.

    Terraform waits for it after setting it, in vain.
    """
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        found = dict(original(self))
        # An empty one takes the policy away.
        found["RedriveAllowPolicy"] = self.redrive_allow_policy or None
        return found

    put(Queue, redrive_allow_policy=None, attributes=property(attributes))
    put(Queue, BASE_ATTRIBUTES=[*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"])


def tell_redrive_policies_without_spaces() -> None:
    """SQS writes a redrive policy without spaces; with moto's each plan would show a change."""
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        found = dict(original(self))
        if self.redrive_policy:
            found["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        return found

    put(Queue, attributes=property(attributes))


def switch_own_encryption_off_under_a_key() -> None:
    """A queue under a KMS key is not also encrypted by SQS itself; in moto it says both."""
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        found = dict(original(self))
        if self.kms_master_key_id:
            found["SqsManagedSseEnabled"] = "false"
        return found

    put(Queue, attributes=property(attributes))


def judge_queue_policies() -> None:
    """What a queue's policy denies is refused to everybody; moto reads no queue policy.

    What a policy allows to others is S3's matter alone here, see ``s3``.
    """
    original = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        name = self._get_queue_name()
        action = f"sqs:{self._get_action()}".removesuffix("Batch")
        who = caller()
        try:
            queue = self.sqs_backend.get_queue(name)
        except QueueDoesNotExist:
            queue = None
        if queue is not None and queue.policy:
            call = Call(action, queue.queue_arn, who.principal, context(who))
            if judge(json.loads(queue.policy), call) is Verdict.DENY:
                refuse(self, "sqs", who, action, queue.queue_arn)
        original(self, iam_request_cls, resource)

    put(SQSResponse, _authenticate_and_authorize_action=authorize)


def move_dead_letters_back() -> None:
    """StartMessageMoveTask puts dead letters back to where they came from; moto does not know it.

    AWS takes its time over it; here it is done when it is answered.
    """

    def start_message_move_task(self: Any) -> ActionResult:
        queues = {queue.queue_arn: queue for queue in self.sqs_backend.queues.values()}
        source = queues.get(self._get_param("SourceArn"))
        if source is None:
            raise QueueDoesNotExist
        origins = self.sqs_backend.list_dead_letter_source_queues(source.name)
        target = queues.get(self._get_param("DestinationArn") or "") or origins[0]
        # Those that someone is looking at stay.
        for message in source.messages:
            source._messages.remove(message)
            source.pending_messages.discard(message)
            # A moved message is a new one: its id, its age and its receptions begin anew.
            self.sqs_backend.send_message(
                target.name, message.body, message_attributes=message.message_attributes
            )
        return ActionResult({"TaskHandle": str(mock_random.uuid4())})

    put(SQSResponse, start_message_move_task=start_message_move_task)
