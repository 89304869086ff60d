"""Asks CloudTrail who changed a resource, as far as it knows and may be asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.plan_review.reading import Change

# Events name a resource by one or another of these.
NAMES = (
    *("name", "id", "bucket", "identifier", "cluster_identifier", "function_name", "group_id"),
    *("security_group_id", "role", "user", "key_id", "topic_arn", "queue_url", "arn"),
)
ASKED = 3
# CloudTrail keeps what global services did there (in the commercial partition).
GLOBAL = ("aws_iam_", "aws_route53_", "aws_cloudfront_")
GLOBAL_REGION = "us-east-1"
# LookupEvents may be asked twice a second, by account and Region.
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Deed:
    """One recorded call that changed something."""

    call: str
    who: str
    when: str


def _client(region: str) -> Any:  # noqa: ANN401
    session: Any = boto3.session.Session(region_name=region or None)
    attempts: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(connect_timeout=5, read_timeout=10, retries=attempts)
    return session.client("cloudtrail", config=config)


def candidates(change: Change) -> list[str]:
    """The names under which events may know a resource, the likeliest first."""
    values = {**change.after, **change.before}
    named = (values.get(name) for name in NAMES)
    texts = (value for value in named if isinstance(value, str) and value)
    # A queue's or topic's address ends in the name that events have.
    return list(dict.fromkeys(text.rpartition("/")[2] or text for text in texts))[:ASKED]


def _who(event: Mapping[str, Any]) -> str:
    try:
        identity = json.loads(event.get("CloudTrailEvent") or "{}").get("userIdentity", {})
    except ValueError:
        identity = {}
    told = identity.get("arn") or event.get("Username") or identity.get("invokedBy")
    return str(told or "somebody CloudTrail does not name")


class Trail:
    """CloudTrail of the account; once it does not answer, it is not asked again.

    ``silence`` says then, in a sentence, why it did not.
    """

    def __init__(
        self,
        client: Callable[[str], Any] = _client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._sleep = client, sleep
        self._clients: dict[str, Any] = {}
        self.silence = ""

    def deeds(self, change: Change, region: str, most: int = 3) -> list[Deed]:
        """The latest calls that changed a resource, of the last 90 days; the newest first."""
        if change.type.startswith(GLOBAL):
            region = GLOBAL_REGION
        try:
            found = {event["EventId"]: event for event in self._events(change, region)}
        except (BotoCoreError, ClientError) as error:
            self.silence = f"CloudTrail does not say who did it: {_told(error)}."
            return []
        latest = sorted(found.values(), key=lambda event: event["EventTime"], reverse=True)
        return [
            Deed(event["EventName"], _who(event), f"{event['EventTime']:%Y-%m-%d %H:%M} UTC")
            for event in latest[:most]
        ]

    def _events(self, change: Change, region: str) -> Iterator[dict[str, Any]]:
        if self.silence:
            return
        for name in candidates(change):
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


def _told(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if "AccessDenied" in code:
            return "these credentials may not call cloudtrail:LookupEvents"
        return f"LookupEvents was answered with {code or 'an error'}"
    return f"it cannot be asked ({type(error).__name__})"
