"""Lists the states with resources in a bucket: `python remaining_states.py BUCKET REGION`.

`StateGuard` runs it with Terraform's environment before the bucket is destroyed. The exit code is 0
if no state describes a resource, otherwise 2, also if the bucket cannot be read. It imports boto3
only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any


def remaining(s3: Any, bucket: str) -> Iterator[str]:  # noqa: ANN401
    """Yield a description of each lock and of each state that describes resources."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            key = str(entry["Key"])
            if key.endswith(".tflock"):
                yield f"{key} (the lock of a run)"
                continue
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            count = managed_resources(body)
            if count is None:
                yield f"{key} (not the JSON of a state)"
            elif count:
                yield f"{key} ({count} resources)"


def managed_resources(body: bytes) -> int | None:
    """The number of resources that a state describes; None if it is not a state's JSON.

    A state remains after `destroy`, without resources.
    """
    try:
        resources = json.loads(body)["resources"]
        return sum(len(one["instances"]) for one in resources if one["mode"] == "managed")
    except (ValueError, KeyError, TypeError):
        return None


def main(bucket: str, region: str) -> int:
    """Print the remaining states on standard error; returns the exit code."""
    try:
        import boto3

        s3 = boto3.client("s3", region_name=region)
        found = list(remaining(s3, bucket))
    except Exception as error:
        if "NoSuchBucket" in str(error):
            return 0
        found = [f"nothing, because the bucket cannot be read ({error})"]
    if not found:
        return 0
    print(  # noqa: T201 - the output of the program
        f"error: state bucket {bucket}: received the states {', '.join(found)}; accepted: no state"
        " with resources. Destroy these stacks first (each state is <suffix>/<stack>.tfstate), or"
        " delete the objects if their resources no longer exist.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
