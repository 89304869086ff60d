"""Looks up the CloudTrail events that changed a resource."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.plan_review.model import Change

# CloudTrail names a resource by the value of one of these attributes.
NAMES = (
    *("name", "id", "bucket", "identifier", "cluster_identifier", "function_name", "group_id"),
    *("security_group_id", "role", "user", "key_id", "topic_arn", "queue_url", "arn"),
)
MAX_LOOKUPS = 3
# CloudTrail records the events of global services in this Region (commercial partition).
GLOBAL_TYPES = ("aws_iam_", "aws_route53_", "aws_cloudfront_")
GLOBAL_REGION = "us-east-1"
# The quota of LookupEvents is two requests per second, account and Region.
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Event:
    """A recorded API call that changed something."""

    name: str
    principal: str
    time: str


def _client(region: str) -> Any:  # noqa: ANN401
    session: Any = boto3.session.Session(region_name=region or None)
    attempts: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(connect_timeout=5, read_timeout=10, retries=attempts)
    return session.client("cloudtrail", config=config)


def resource_names(change: Change) -> list[str]:
    """Return the names that events may use for a resource, the most likely one first."""
    values = {**change.after, **change.before}
    named = (values.get(name) for name in NAMES)
    texts = (value for value in named if isinstance(value, str) and value)
    # Events use the last part of the URL of a queue and of the ARN of a topic.
    return list(dict.fromkeys(text.rpartition("/")[2] or text for text in texts))[:MAX_LOOKUPS]


def _principal(event: Mapping[str, Any]) -> str:
    try:
        identity = json.loads(event.get("CloudTrailEvent") or "{}").get("userIdentity", {})
    except ValueError:
        identity = {}
    name = identity.get("arn") or event.get("Username") or identity.get("invokedBy")
    return str(name or "an unnamed principal")


class EventHistory:
    """The CloudTrail event history of the account.

    After the first failed call no further calls are made; `unavailable` then states the reason in a
    sentence.
    """

    def __init__(
        self,
        client: Callable[[str], Any] = _client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._sleep = client, sleep
        self._clients: dict[str, Any] = {}
        self.unavailable = ""

    def events(self, change: Change, region: str, most: int = 3) -> list[Event]:
        """Return the latest events of the last 90 days that changed a resource, newest first."""
        if change.type.startswith(GLOBAL_TYPES):
            region = GLOBAL_REGION
        try:
            found = {event["EventId"]: event for event in self._lookup(change, region)}
        except (BotoCoreError, ClientError) as error:
            self.unavailable = f"CloudTrail events are not available: {_reason(error)}."
            return []
        latest = sorted(found.values(), key=lambda event: event["EventTime"], reverse=True)
        return [
            Event(event["EventName"], _principal(event), f"{event['EventTime']:%Y-%m-%d %H:%M} UTC")
            for event in latest[:most]
        ]

    def _lookup(self, change: Change, region: str) -> Iterator[dict[str, Any]]:
        if self.unavailable:
            return
        for name in resource_names(change):
            if region not in self._clients:
                self._clients[region] = self._client(region)
            else:
                self._sleep(PAUSE_SECONDS)
            answer = self._clients[region].lookup_events(
                LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": name}]
            )
            for event in answer.get("Events", []):
                if str(event.get("ReadOnly", "false")).lower() != "true":
                    yield event


def _reason(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if "AccessDenied" in code:
            return "these credentials do not permit cloudtrail:LookupEvents"
        return f"LookupEvents returned {code or 'an error'}"
    return f"the call failed ({type(error).__name__})"
