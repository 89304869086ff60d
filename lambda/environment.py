"""The function's environment variables: the only place that reads them.

| variable                 | default      | accepted                                           |
|--------------------------|--------------|----------------------------------------------------|
| `DATA_BUCKET`            | required     | name of the bucket with reports and summaries      |
| `KMS_KEY_ARN`            | required     | ARN of the key that encrypts what is written       |
| `INCOMING_PREFIX`        | `incoming/`  | ends with `/`; where reports are read from         |
| `PROCESSED_PREFIX`       | `processed/` | ends with `/`; where summaries go                  |
| `ENVIRONMENT_SUFFIX`     | `dev`        | named in each line of the log                      |
| `LOG_LEVEL`              | `INFO`       | `DEBUG`, `INFO`, `WARNING`, `ERROR`                |
| `QUARANTINE_PREFIX`      | `quarantine/`| ends with `/`; where bad reports are copied to     |
| `DATABASE_SECRET_ARN`    | required     | ARN of the secret that says how to reach it        |
| `DATABASE_CA_BUNDLE`     | `rds-ca.pem` | path of a file of certificates; the default lies   |
|                          |              | in the package                                     |
| `DATABASE_CONNECT_TIMEOUT_SECONDS`   | 5  | from 1 to 60                                     |
| `DATABASE_STATEMENT_TIMEOUT_SECONDS` | 60 | from 1 to 900                                    |
| `DATABASE_LOCK_TIMEOUT_SECONDS`      | 10 | from 1 to 900                                    |
| `MAX_OBJECT_BYTES`       | 512 MiB      | see `report_model.Limits` for these                |
| `MAX_UNCOMPRESSED_BYTES` | 2 GiB        |                                                    |
| `MAX_RECORD_BYTES`       | 1 MiB        | from 1 KiB to 64 MiB                               |
| `MAX_CASES`              | 2,000,000    |                                                    |
| `MAX_NAME_CHARS`         | 2,000        |                                                    |
| `MAX_MESSAGE_CHARS`      | 4,000        |                                                    |
| `MAX_DEPTH`              | 100          |                                                    |

None of the three prefixes may begin with another.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Self, cast

from database import DatabaseSettings
from report_model import Limits, shown

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]{0,198}/")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+", re.ASCII)
_SUFFIX = re.compile(r"[A-Za-z0-9-]{1,64}")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_CA_BUNDLE = Path(__file__).parent / "rds-ca.pem"

_GIB = 1024**3
_RANGES: dict[str, tuple[int, int]] = {
    "max_object_bytes": (1, 50 * _GIB),
    "max_uncompressed_bytes": (1, 500 * _GIB),
    "max_record_bytes": (1024, 64 * 1024**2),
    "max_cases": (1, 100_000_000),
    "max_name_chars": (16, 100_000),
    "max_message_chars": (16, 1_000_000),
    "max_depth": (2, 10_000),
    "connect_timeout_seconds": (1, 60),
    "statement_timeout_seconds": (1, 900),
    "lock_timeout_seconds": (1, 900),
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
    quarantine_prefix: str
    suffix: str
    log_level: str
    limits: Limits
    database: DatabaseSettings

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
            quarantine_prefix=reader.prefix("QUARANTINE_PREFIX", "quarantine/"),
            suffix=reader.matching(
                "ENVIRONMENT_SUFFIX", _SUFFIX, "letters, digits and hyphens", default="dev"
            ),
            log_level=reader.log_level(),
            limits=Limits(
                **{field.name: reader.number(field.name.upper(), field) for field in fields(Limits)}
            ),
            database=reader.database(),
        )
        prefixes = {
            "INCOMING_PREFIX": environment.incoming_prefix,
            "PROCESSED_PREFIX": environment.processed_prefix,
            "QUARANTINE_PREFIX": environment.quarantine_prefix,
        }
        for (_, one), (name, other) in combinations(prefixes.items(), 2):
            if one.startswith(other) or other.startswith(one):
                reader.refuse(name, other, f"a prefix apart from {one!r}")
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

    def database(self) -> DatabaseSettings:
        return DatabaseSettings(
            secret_arn=self.matching(
                "DATABASE_SECRET_ARN", _SECRET_ARN, "the ARN of a Secrets Manager secret"
            ),
            ca_bundle=Path(self._variables.get("DATABASE_CA_BUNDLE", "") or _CA_BUNDLE),
            **{
                field.name: self.number(f"DATABASE_{field.name.upper()}", field)
                for field in fields(DatabaseSettings)
                if field.name in _RANGES
            },
        )

    def number(self, name: str, field: Field[int]) -> int:
        low, high = _RANGES[field.name]
        default = cast(int, field.default)
        text = self._variables.get(name, "")
        if not text:
            return default
        if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
            value = int(text)
            if low <= value <= high:
                return value
        self.refuse(name, text, f"a whole number from {low} to {high}")
        return default
