"""The code of the function in `function_behind_queue.py`."""

from typing import Any


def handle(event: dict[str, Any], context: object) -> dict[str, list[Any]]:  # noqa: ARG001
    """Print every message; report no failed messages."""
    for record in event["Records"]:
        print(record["body"])  # noqa: T201
    return {"batchItemFailures": []}
