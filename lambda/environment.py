"""Environment variables of the function. No other module reads them.

| variable                 | default      | accepted                                           |
|--------------------------|--------------|----------------------------------------------------|
| `DATA_BUCKET`            | required     | name of the bucket for reports and summaries       |
| `KMS_KEY_ARN`            | required     | ARN of the key that encrypts the written objects   |
| `INCOMING_PREFIX`        | `incoming/`  | prefix of reports; ends with `/`                   |
| `PROCESSED_PREFIX`       | `processed/` | prefix of summaries; ends with `/`                 |
| `QUARANTINE_PREFIX`      | `quarantine/`| prefix of invalid reports; ends with `/`           |
| `ENVIRONMENT_SUFFIX`     | `dev`        | field `environment` of the log and of the metrics  |
| `LOG_LEVEL`              | `INFO`       | `DEBUG`, `INFO`, `WARNING`, `ERROR`                |
| `DATABASE_SECRET_ARN`    | required     | ARN of the secret with the connection parameters   |
| `DATABASE_CA_BUNDLE`     | `rds-ca.pem` | path of a file of PEM certificates; the default is |
|                          |              | in the deployment package                          |
| `DATABASE_CONNECT_TIMEOUT_SECONDS`   | 5  | from 1 to 60                                     |
| `DATABASE_STATEMENT_TIMEOUT_SECONDS` | 60 | from 1 to 900                                    |
| `DATABASE_LOCK_TIMEOUT_SECONDS`      | 10 | from 1 to 900                                    |
| `MAX_OBJECT_BYTES`       | 512 MiB      | see `report_model.Limits` for the limits           |
| `MAX_UNCOMPRESSED_BYTES` | 2 GiB        |                                                    |
| `MAX_RECORD_BYTES`       | 1 MiB        | from 1 KiB to 64 MiB                               |
| `MAX_CASES`              | 2,000,000    |                                                    |
| `MAX_NAME_CHARS`         | 2,000        |                                                    |
| `MAX_MESSAGE_CHARS`      | 4,000        |                                                    |
| `MAX_DEPTH`              | 100          |                                                    |

No prefix may start with another one.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Self, cast

from database import DatabaseSettings
from report_model import Limits, format_value

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
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
    """Environment variables are missing or invalid; the message has one line per variable."""


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

        Raises `InvalidEnvironmentError` that reports all invalid variables.
        """
        reader = _Reader(variables)
        environment = cls(
            data_bucket=reader.match("DATA_BUCKET", _BUCKET_NAME, "the name of an S3 bucket"),
            kms_key_arn=reader.match(
                "KMS_KEY_ARN", _KEY_ARN, "the ARN of a KMS key, not an id or an alias"
            ),
            incoming_prefix=reader.prefix("INCOMING_PREFIX", "incoming/"),
            processed_prefix=reader.prefix("PROCESSED_PREFIX", "processed/"),
            quarantine_prefix=reader.prefix("QUARANTINE_PREFIX", "quarantine/"),
            suffix=reader.match(
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
                reader.add_problem(name, other, f"a prefix that does not overlap {one!r}")
        if reader.problems:
            raise InvalidEnvironmentError("\n".join(reader.problems))
        return environment


class _Reader:
    """Reads variables and collects the problems."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def add_problem(self, name: str, value: str, accepted: str) -> None:
        received = format_value(value) if value else "no value"
        self.problems.append(f"{name}: received {received}; accepted: {accepted}")

    def match(
        self, name: str, pattern: re.Pattern[str], accepted: str, *, default: str = ""
    ) -> str:
        value = self._variables.get(name, "") or default
        if not pattern.fullmatch(value):
            self.add_problem(name, value, accepted)
        return value

    def prefix(self, name: str, default: str) -> str:
        return self.match(
            name, _PREFIX, f"a key prefix that ends with /, such as {default!r}", default=default
        )

    def log_level(self) -> str:
        level = self._variables.get("LOG_LEVEL", "") or "INFO"
        if level not in _LOG_LEVELS:
            self.add_problem("LOG_LEVEL", level, ", ".join(_LOG_LEVELS))
        return level

    def database(self) -> DatabaseSettings:
        return DatabaseSettings(
            secret_arn=self.match(
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
        self.add_problem(name, text, f"an integer from {low} to {high}")
        return default
