"""Errors and types of settings, and the base class of their sections."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lib.settings.regions import REGIONS

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# Services in China have other names and principals, which the policies do not support.
PARTITIONS = ("aws", "aws-us-gov")


class SettingsError(Exception):
    """Invalid or missing settings; the text contains one line for each error."""


class FieldError(ValueError):
    """A violation of a rule over several fields, reported for one of them."""

    def __init__(self, field: str, received: object, accepted: str, remedy: str = "") -> None:
        super().__init__(f"{field}: {accepted}")
        self.field, self.received, self.accepted, self.remedy = field, received, accepted, remedy


def _split_commas(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _digits_as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _known_region(value: str) -> str:
    if REGIONS.get(value) not in PARTITIONS:
        raise ValueError("the Region does not exist")
    return value


def _known_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        raise ValueError("CloudWatch Logs does not accept the number of days")
    return value


def _canonical_network(value: str) -> str:
    if str(ipaddress.IPv4Network(value)) != value:
        raise ValueError("the address has host bits, or the prefix is not a length")
    return value


CommaList = BeforeValidator(_split_commas)
Number = BeforeValidator(_digits_as_number)
Region = Annotated[str, AfterValidator(_known_region)]
Ipv4Network = Annotated[str, AfterValidator(_canonical_network)]
Ipv4Networks = Annotated[tuple[Ipv4Network, ...], CommaList]
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$")]
SecretArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$")
]
TagValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_ .:/=+@-]{1,256}$")]
RetentionDays = Annotated[int, AfterValidator(_known_retention)]
RETENTION_DAYS = "one of " + ", ".join(map(str, LOG_RETENTION_DAYS))


class Section(BaseModel):
    """A section of the settings; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
