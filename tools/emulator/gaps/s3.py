"""S3: versions can be emptied, access logs go to dated folders."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.s3.models import FakeDeleteMarker
from moto.s3.responses import S3Response

from tools.emulator.patching import put


def let_delete_markers_be_deleted() -> None:
    """A version that is a delete marker can be deleted; moto stumbles over it.

    ``force_destroy`` empties a bucket that way.
    """

    def dispose(self: Any, garbage: bool = False) -> None:
        """There is no content to let go of."""

    put(FakeDeleteMarker, dispose=dispose)


def keep_the_key_format_of_access_logs() -> None:
    """A bucket's logging tells its object key format; moto stores it and leaves it out.

    The provider would set it again in every plan.
    """
    original = S3Response.get_bucket_logging

    def get_bucket_logging(self: Any) -> Any:
        logging = self.backend.get_bucket_logging(self.bucket_name)
        if not logging or "TargetObjectKeyFormat" not in logging:
            return original(self)
        wanted = logging["TargetObjectKeyFormat"] or {}
        # An element without content is parsed as None, and would be left out of the answer.
        key_format = {name: value or {} for name, value in wanted.items()}
        self.data["Action"] = "GetBucketLogging"
        answer = {
            "LoggingEnabled": {
                "TargetBucket": logging["TargetBucket"],
                "TargetPrefix": logging["TargetPrefix"],
                "TargetObjectKeyFormat": key_format,
            }
        }
        return self.serialized(ActionResult(answer))

    put(S3Response, get_bucket_logging=get_bucket_logging)
