"""The structured log of the functions: one JSON object per line."""

import json
from functools import partial

from aws_lambda_powertools import Logger


def create_logger(service: str, level: str, environment_suffix: str) -> Logger:
    """Return a logger that writes one JSON object per line to standard output.

    Each line has the fields `level`, `message`, `timestamp` (RFC 3339, UTC), `service` and
    `environment`, and those given to the call; fields without a value are omitted.
    """
    return Logger(
        service=service,
        level=level,
        # ASCII with escape sequences: a key or a message cannot inject another line, and an
        # unpaired surrogate cannot raise an encoding error.
        json_serializer=partial(json.dumps, default=str),
        use_rfc3339=True,
        utc=True,
        serialize_stacktrace=False,
        location=None,
        environment=environment_suffix,
    )
