"""Errors and types of settings, and the base class of their sections."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from lib.aws_constraints import BUCKET_NAME
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
    """A violation of a rule over several fields, reported for one of them.

    `field` is the path of that field; it is empty in a validator of the field itself.
    """

    def __init__(self, field: str, received: object, accepted: str, remedy: str = "") -> None:
        super().__init__(f"{field}: {accepted}")
        self.field, self.received, self.accepted, self.remedy = field, received, accepted, remedy


def _split_commas(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _digits_as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _known_region(value: str) -> str:
    partition = REGIONS.get(value)
    if partition is None:
        closest = get_close_matches(value, REGIONS, n=1)
        remedy = f"Correct it, for example to {closest[0]}." if closest else ""
        raise FieldError("", value, "an AWS Region such as us-east-1", remedy)
    if partition not in PARTITIONS:
        raise FieldError(
            "",
            value,
            f"a Region of the partitions {' and '.join(PARTITIONS)}, such as us-east-1",
            f"Choose another Region: the service names and principals of {partition} differ from"
            " those in the policies.",
        )
    return value


def _known_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        raise ValueError("CloudWatch Logs does not accept the number of days")
    return value


def _canonical_network(value: str) -> str:
    if str(ipaddress.IPv4Network(value)) != value:
        raise ValueError("the address has host bits, or the prefix is not a length")
    return value


def _bucket_name(value: str) -> str:
    if problem := BUCKET_NAME.problem(value):
        raise FieldError("", value, f"the name of an S3 bucket: {problem}")
    return value


def _texts(value: object) -> Iterator[str]:
    """A text, or the texts of a list; the fields of a section validate their own."""
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, str):
            yield one


def is_suffix(value: object) -> bool:
    """Whether a value is an environment suffix."""
    try:
        _SUFFIX.validate_python(value)
    except ValidationError:
        return False
    return True


EnvironmentSuffix = Annotated[str, Field(pattern=r"^[a-z0-9](?:-?[a-z0-9])*$", max_length=20)]
_SUFFIX: TypeAdapter[str] = TypeAdapter(EnvironmentSuffix)
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
CommaList = BeforeValidator(_split_commas)
Number = BeforeValidator(_digits_as_number)
Region = Annotated[str, AfterValidator(_known_region)]
Ipv4Network = Annotated[str, AfterValidator(_canonical_network)]
Ipv4Networks = Annotated[tuple[Ipv4Network, ...], CommaList]
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$")]
SecretArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$")
]
BucketName = Annotated[str, AfterValidator(_bucket_name)]
TagValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_ .:/=+@-]{1,256}$")]
RetentionDays = Annotated[int, AfterValidator(_known_retention)]
RETENTION_DAYS = "one of " + ", ".join(map(str, LOG_RETENTION_DAYS))


class Section(BaseModel):
    """A section of the settings; an unknown field is an error.

    A text with `${` or `%{` is an error in every field: Terraform would evaluate it as a template.
    https://developer.hashicorp.com/terraform/language/expressions/strings#string-templates
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _without_templates(cls, value: object) -> object:
        for text in _texts(value):
            if "${" in text or "%{" in text:
                raise FieldError(
                    "",
                    text,
                    "a text without ${ and %{, which Terraform evaluates as templates",
                    "Remove these characters.",
                )
        return value
