"""The function's environment variables: the only place that reads them.

| variable                 | default      | accepted                                           |
|--------------------------|--------------|----------------------------------------------------|
| `DATA_BUCKET`            | required     | name of the bucket with reports and summaries      |
| `KMS_KEY_ARN`            | required     | ARN of the key that encrypts what is written       |
| `INCOMING_PREFIX`        | `incoming/`  | ends with `/`; where reports are read from         |
| `PROCESSED_PREFIX`       | `processed/` | ends with `/`; where summaries go; not the former  |
| `ENVIRONMENT_SUFFIX`     | `dev`        | named in each line of the log                      |
| `LOG_LEVEL`              | `INFO`       | `DEBUG`, `INFO`, `WARNING`, `ERROR`                |
| `MAX_OBJECT_BYTES`       | 512 MiB      | see `report_model.Limits` for these                |
| `MAX_UNCOMPRESSED_BYTES` | 2 GiB        |                                                    |
| `MAX_RECORD_BYTES`       | 1 MiB        | from 1 KiB to 64 MiB                               |
| `MAX_CASES`              | 2,000,000    |                                                    |
| `MAX_NAME_CHARS`         | 2,000        |                                                    |
| `MAX_MESSAGE_CHARS`      | 4,000        |                                                    |
| `MAX_DEPTH`              | 100          |                                                    |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from report_model import Limits, shown

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]{0,198}/")
_SUFFIX = re.compile(r"[A-Za-z0-9-]{1,64}")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_GIB = 1024**3
_RANGES: dict[str, tuple[int, int]] = {
    "max_object_bytes": (1, 50 * _GIB),
    "max_uncompressed_bytes": (1, 500 * _GIB),
    "max_record_bytes": (1024, 64 * 1024**2),
    "max_cases": (1, 100_000_000),
    "max_name_chars": (16, 100_000),
    "max_message_chars": (16, 1_000_000),
    "max_depth": (2, 10_000),
}


class InvalidEnvironmentError(Exception):
    """Environment variables that are missing or wrong: names each, what it holds and may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The validated environment of the function."""

    data_bucket: str
    kms_key_arn: str
    incoming_prefix: str
    processed_prefix: str
    suffix: str
    log_level: str
    limits: Limits

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read and validate the variables.

        Raises `InvalidEnvironmentError` with all that is wrong at once.
        """
        reader = _Reader(variables)
        environment = cls(
            data_bucket=reader.matching("DATA_BUCKET", _BUCKET, "the name of an S3 bucket"),
            kms_key_arn=reader.matching(
                "KMS_KEY_ARN", _KEY_ARN, "the ARN of a KMS key, not an id or an alias"
            ),
            incoming_prefix=reader.prefix("INCOMING_PREFIX", "incoming/"),
            processed_prefix=reader.prefix("PROCESSED_PREFIX", "processed/"),
            suffix=reader.matching(
                "ENVIRONMENT_SUFFIX", _SUFFIX, "letters, digits and hyphens", default="dev"
            ),
            log_level=reader.log_level(),
            limits=Limits(**{field.name: reader.limit(field.name) for field in fields(Limits)}),
        )
        incoming, processed = environment.incoming_prefix, environment.processed_prefix
        if incoming.startswith(processed) or processed.startswith(incoming):
            reader.refuse("PROCESSED_PREFIX", processed, f"a prefix apart from {incoming!r}")
        if reader.problems:
            raise InvalidEnvironmentError("; ".join(reader.problems))
        return environment


class _Reader:
    """Reads single variables and gathers what is wrong with them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def refuse(self, name: str, value: str, accepted: str) -> None:
        received = f"is {shown(value)}" if value else "is missing"
        self.problems.append(f"{name} {received}, accepted: {accepted}")

    def matching(
        self, name: str, pattern: re.Pattern[str], accepted: str, *, default: str = ""
    ) -> str:
        value = self._variables.get(name, "") or default
        if not pattern.fullmatch(value):
            self.refuse(name, value, accepted)
        return value

    def prefix(self, name: str, default: str) -> str:
        return self.matching(
            name, _PREFIX, f"a key prefix that ends with /, such as {default!r}", default=default
        )

    def log_level(self) -> str:
        level = self._variables.get("LOG_LEVEL", "") or "INFO"
        if level not in _LOG_LEVELS:
            self.refuse("LOG_LEVEL", level, ", ".join(_LOG_LEVELS))
        return level

    def limit(self, field: str) -> int:
        name = field.upper()
        low, high = _RANGES[field]
        default: int = getattr(Limits(), field)
        text = self._variables.get(name, "")
        if not text:
            return default
        if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
            value = int(text)
            if low <= value <= high:
                return value
        self.refuse(name, text, f"a whole number from {low} to {high}")
        return default
