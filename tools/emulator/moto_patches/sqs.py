"""Patches of SQS: queue attributes, queue policies and message move tasks."""

# moto's classes have no type annotations.
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

from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.authorization import condition_context, current_caller, raise_access_denied
from tools.emulator.moto_patches.patching import moto_patch, replace


@moto_patch
def preserve_set_queue_attributes_policy() -> None:
    """Keep ``Policy`` where SetQueueAttributes omits it.

    moto 5.2.5: removes the policy.

    AWS: changes only the attributes that the request contains.

    Reason: the provider sets attributes in several calls, the last of which has no policy.
    """
    original = Queue._set_attributes

    def set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        if "Policy" not in attributes:
            attributes = attributes | {"Policy": self.policy}
        original(self, attributes, now)

    replace(Queue, _set_attributes=set_attributes)


@moto_patch
def return_get_queue_attributes_redrive_allow_policy() -> None:
    """Return ``RedriveAllowPolicy`` from GetQueueAttributes.

    moto 5.2.5: stores the policy and omits it from the response.

    AWS: returns it; an empty value in SetQueueAttributes removes it.

    Reason: the provider waits for the value after setting it and fails after a timeout.
    """
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        response = dict(original(self))
        response["RedriveAllowPolicy"] = self.redrive_allow_policy or None
        return response

    replace(Queue, redrive_allow_policy=None, attributes=property(attributes))
    replace(Queue, BASE_ATTRIBUTES=[*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"])


@moto_patch
def return_get_queue_attributes_redrive_policy() -> None:
    """Return ``RedrivePolicy`` from GetQueueAttributes as JSON without spaces.

    moto 5.2.5: returns JSON with spaces after separators.

    AWS: returns JSON without spaces.

    Reason: the provider compares the text and plans a change in every plan.
    """
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        response = dict(original(self))
        if self.redrive_policy:
            response["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        return response

    replace(Queue, attributes=property(attributes))


@moto_patch
def return_get_queue_attributes_sqs_managed_sse_enabled() -> None:
    """Return ``SqsManagedSseEnabled`` ``false`` for a queue with ``KmsMasterKeyId``.

    moto 5.2.5: returns ``true``.

    AWS: a queue is encrypted either with a KMS key or with a key that SQS manages.

    Reason: the provider plans a change in every plan.
    """
    original = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        response = dict(original(self))
        if self.kms_master_key_id:
            response["SqsManagedSseEnabled"] = "false"
        return response

    replace(Queue, attributes=property(attributes))


@moto_patch
def evaluate_queue_policy_deny_statements() -> None:
    """Deny requests that the policy of the queue denies explicitly, for every caller.

    moto 5.2.5: evaluates no queue policy.

    AWS: evaluates Deny and Allow statements. Here Allow statements have an effect for the
    notifications of S3 only (see ``s3``).

    Reason: tests verify that the queues deny requests without TLS.
    """

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        name = self._get_queue_name()
        action = f"sqs:{self._get_action()}".removesuffix("Batch")
        caller = current_caller()
        try:
            queue = self.sqs_backend.get_queue(name)
        except QueueDoesNotExist:
            queue = None
        if queue is not None and queue.policy:
            arn = queue.queue_arn
            request = Request(action, arn, caller.principal, condition_context(caller))
            if evaluate([queue.policy], request) is Decision.DENY:
                raise_access_denied(self, "sqs", caller, action, arn)
        # Looked up at each call: the patches of ``iam`` replace it.
        ActionAuthenticatorMixin._authenticate_and_authorize_action(self, iam_request_cls, resource)

    replace(SQSResponse, _authenticate_and_authorize_action=authorize)


@moto_patch
def implement_start_message_move_task() -> None:
    """Implement StartMessageMoveTask.

    moto 5.2.5: does not implement the operation.

    AWS: moves the messages of a dead-letter queue asynchronously to the source queue or to
    ``DestinationArn``, as new messages; messages in flight stay.

    Reason: the local deployment and the tests run the documented redrive. Here all messages are
    moved before the call returns.
    """

    def start_message_move_task(self: Any) -> ActionResult:
        queues = {queue.queue_arn: queue for queue in self.sqs_backend.queues.values()}
        source = queues.get(self._get_param("SourceArn"))
        if source is None:
            raise QueueDoesNotExist
        origins = self.sqs_backend.list_dead_letter_source_queues(source.name)
        target = queues.get(self._get_param("DestinationArn") or "") or origins[0]
        # ``messages`` lists visible messages only.
        for message in source.messages:
            source._messages.remove(message)
            source.pending_messages.discard(message)
            # Sending creates a message with a new id, age and receive count.
            self.sqs_backend.send_message(
                target.name, message.body, message_attributes=message.message_attributes
            )
        return ActionResult({"TaskHandle": str(mock_random.uuid4())})

    replace(SQSResponse, start_message_move_task=start_message_move_task)
