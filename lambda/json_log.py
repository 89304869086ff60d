"""The function's log: one JSON object a line on standard output, to be queried by field."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_LOGGER = "data-processor"


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time stamp, level, message, the record's fields, the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, in ASCII: nothing in a key or a message can break or forge a line."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def open_log(level: str, **fixed: object) -> "JsonLog":
    """The log of this process, from `level` upwards, with the fixed fields in each line."""
    logger = logging.getLogger(_LOGGER)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logger.handlers = [handler]
    logger.setLevel(level)
    # Lambda's own handler on the root logger would print every line a second time.
    logger.propagate = False
    return JsonLog(logger, **fixed)


class JsonLog:
    """A logger with fields that stand in each of its lines."""

    def __init__(self, logger: logging.Logger, **fixed: object) -> None:
        self._logger = logger
        self._fixed = fixed

    def bound(self, **fields: object) -> "JsonLog":
        """The same log with more fixed fields."""
        return JsonLog(self._logger, **{**self._fixed, **fields})

    def info(self, message: str, **fields: object) -> None:
        """What went as it should."""
        self._write(logging.INFO, message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """What was refused, and will not be tried again."""
        self._write(logging.WARNING, message, fields)

    def exception(self, message: str, error: BaseException, **fields: object) -> None:
        """What failed, with its traceback."""
        self._write(logging.ERROR, message, fields, error)

    def _write(
        self,
        level: int,
        message: str,
        fields: dict[str, object],
        error: BaseException | None = None,
    ) -> None:
        extra = {"fields": {**self._fixed, **fields}}
        self._logger.log(level, "%s", message, extra=extra, exc_info=error)
