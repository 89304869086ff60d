"""The function's log: one JSON object a line on standard output, to be queried by field."""

import json
import logging
import sys
from functools import partial
from typing import Any, TextIO

from aws_lambda_powertools import Logger

SERVICE = "data-processor"


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to what is standard output when a line is written, not when the log was opened."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


def open_log(level: str, **fixed: object) -> "JsonLog":
    """The log of this process, from `level` upwards, with the fixed fields in each line."""
    logger = Logger(
        service=SERVICE,
        level=level,
        logger_handler=_StandardOutput(),
        # In ASCII: nothing in a key or a message can break or forge a line.
        json_serializer=partial(json.dumps, default=str),
        use_rfc3339=True,
        utc=True,
        serialize_stacktrace=False,
        location=None,
    )
    logger.setLevel(level)
    # Lambda's own handler on the root logger would print every line a second time.
    logging.getLogger(SERVICE).propagate = False
    return JsonLog(logger, **fixed)


class JsonLog:
    """A logger with fields that stand in each of its lines."""

    def __init__(self, logger: Logger, **fixed: object) -> None:
        self._logger = logger
        self._fixed = fixed

    def bound(self, **fields: object) -> "JsonLog":
        """The same log with more fixed fields."""
        return JsonLog(self._logger, **{**self._fixed, **fields})

    def info(self, message: str, **fields: object) -> None:
        """What went as it should."""
        self._logger.info("%s", message, extra=self._with(fields))

    def warning(self, message: str, **fields: object) -> None:
        """What was refused, and will not be tried again."""
        self._logger.warning("%s", message, extra=self._with(fields))

    def exception(self, message: str, error: BaseException, **fields: object) -> None:
        """What failed, with its traceback."""
        self._logger.error("%s", message, exc_info=error, extra=self._with(fields))

    def _with(self, fields: dict[str, object]) -> dict[str, Any]:
        return {**self._fixed, **fields}
