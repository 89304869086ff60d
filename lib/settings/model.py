"""What a deployment can choose: typed, validated and frozen; names and tags are made here too."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from botocore.loaders import Loader
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# China's services have names and principals of their own, which no policy here knows.
PARTITIONS = ("aws", "aws-us-gov")
# Majors for which RDS has a parameter group family `aurora-postgresql<major>`.
AURORA_POSTGRESQL_MAJORS = (13, 14, 15, 16, 17)
SMALLEST_SUBNET_PREFIX = 28
INTERFACE_ENDPOINTS = {"kms", "secretsmanager"}
# The first two zones of a Region, where they are not a and b; us-west-1 shows each account another
# two of its three, so there they have to be given.
ZONE_LETTERS = {"ap-northeast-1": "ac", "us-west-1": ""}
# AWS limits below the 63 characters that hold for buckets, RDS identifiers and (nearly, 64) IAM
# roles and functions; by the last word of the kind.
NAME_LIMITS = {"alb": 32, "targets": 32}
NAME_LIMIT = 63


class SettingsError(Exception):
    """Wrong or missing settings; the text is meant for the person who set them."""


class FieldError(ValueError):
    """A rule over several fields: which one to blame, and what it would accept."""

    def __init__(self, field: str, received: object, accepted: str, remedy: str = "") -> None:
        super().__init__(f"{field}: {accepted}")
        self.field, self.received, self.accepted, self.remedy = field, received, accepted, remedy


@functools.cache
def _regions() -> dict[str, str]:
    """Every Region AWS has, with its partition, as botocore's own data lists them."""
    return {
        region: partition["id"]
        for partition in Loader().load_data("partitions")["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }


def _split_commas(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _digits_as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _known_region(value: str) -> str:
    if _regions().get(value) not in PARTITIONS:
        raise ValueError("no such Region")
    return value


def _known_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        raise ValueError("CloudWatch Logs does not accept it")
    return value


def _private_network(value: str) -> str:
    network = ipaddress.IPv4Network(value)
    if str(network) != value:
        raise ValueError("AWS writes it with the prefix length alone")
    if not 16 <= network.prefixlen <= SMALLEST_SUBNET_PREFIX:
        raise ValueError("AWS allows a VPC from /16 to /28")
    return value


def _interface_endpoints(names: tuple[str, ...]) -> tuple[str, ...]:
    # An endpoint that nothing was allowed through would refuse everything, and say nothing.
    if len(set(names)) != len(names) or not {"secretsmanager"} <= set(names) <= INTERFACE_ENDPOINTS:
        raise ValueError("twice the same, one that nothing goes through, or no secretsmanager")
    return names


def _known_engine(value: str) -> str:
    if int(value.split(".")[0]) not in AURORA_POSTGRESQL_MAJORS:
        raise ValueError("there is no such aurora-postgresql engine family")
    return value


def _free_username(value: str) -> str:
    if value in ("admin", "rdsadmin"):
        raise ValueError("Aurora reserves it")
    return value


CommaList = BeforeValidator(_split_commas)
Region = Annotated[str, AfterValidator(_known_region)]
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$")]
SecretArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$")
]
TagValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_ .:/=+@-]{1,256}$")]
RetentionDays = Annotated[int, AfterValidator(_known_retention)]


class Section(BaseModel):
    """A table of settings; a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TagSettings(Section):
    """Values of the tags that every resource carries beside Name, Environment and ManagedBy."""

    project: TagValue = Field("tap", description="1 to 256 letters, digits or _ . : / = + - @")
    owner: TagValue = Field(
        "platform-engineering", description="1 to 256 letters, digits or _ . : / = + - @"
    )
    cost_center: TagValue = Field(
        "test-automation", description="1 to 256 letters, digits or _ . : / = + - @"
    )


class NetworkSettings(Section):
    """The VPC and its subnets."""

    cidr: Annotated[str, AfterValidator(_private_network)] = Field(
        "10.0.0.0/16", description="an IPv4 network between /16 and /28, such as 10.0.0.0/16"
    )
    subnet_prefix: int = Field(
        24, ge=16, le=SMALLEST_SUBNET_PREFIX, description="a prefix length from 16 to 28"
    )
    availability_zones: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="two or more zones of the Region, such as us-east-1a,us-east-1b"
    )
    flow_log_interval_seconds: Annotated[Literal[60, 600], BeforeValidator(_digits_as_number)] = (
        Field(60, description="60 or 600, the only intervals VPC flow logs have")
    )
    interface_endpoints: Annotated[
        tuple[str, ...], CommaList, AfterValidator(_interface_endpoints)
    ] = Field(
        ("secretsmanager",),
        description="secretsmanager, which the function reads its secret by, and kms where its code"
        " calls that directly",
    )

    def subnets(self) -> list[str]:
        """One private subnet a zone, in the zones' order."""
        candidates = ipaddress.IPv4Network(self.cidr).subnets(new_prefix=self.subnet_prefix)
        return [str(next(candidates)) for _ in self.availability_zones]


class DatabaseSettings(Section):
    """The Aurora PostgreSQL cluster and its secret."""

    engine_version: Annotated[
        str, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$"), AfterValidator(_known_engine)
    ] = Field(
        "16.9",
        description="MAJOR.MINOR of Aurora PostgreSQL, MAJOR one of "
        + ", ".join(map(str, AURORA_POSTGRESQL_MAJORS)),
    )
    instance_class: Annotated[str, Field(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")] = Field(
        "db.t4g.medium", description="a DB instance class such as db.t4g.medium or db.r6g.large"
    )
    reader_count: int = Field(1, ge=0, le=15, description="a number from 0 to 15")
    backup_retention_days: int = Field(7, ge=1, le=35, description="a number of days from 1 to 35")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        "tap", description="a lower-case identifier of at most 63 characters"
    )
    username: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$"), AfterValidator(_free_username)
    ] = Field(
        "tap_master",
        description="a lower-case identifier of at most 16 characters, not admin or rdsadmin",
    )
    password_version: int = Field(
        1, ge=1, description="a whole number from 1; raise it by one to rotate the password"
    )
    existing_secret_arn: SecretArn | None = Field(
        None, description="the ARN of a Secrets Manager secret with username and password"
    )
    secret_recovery_days: int = Field(7, ge=7, le=30, description="a number of days from 7 to 30")

    @property
    def family(self) -> str:
        """The parameter group family, such as aurora-postgresql16."""
        return f"aurora-postgresql{self.engine_version.split('.')[0]}"


class StorageSettings(Section):
    """Buckets: how access logs are encrypted, and how long things are kept."""

    access_logs_encryption: Literal["kms", "s3"] = Field(
        "kms", description="kms (the customer managed key) or s3 (SSE-S3)"
    )
    log_expiration_days: int = Field(
        365, ge=90, le=3650, description="a number of days from 90 to 3650"
    )
    infrequent_access_days: int = Field(
        90, ge=30, le=3650, description="a number of days from 30 to 3650"
    )
    noncurrent_version_days: int = Field(
        90, ge=1, le=3650, description="a number of days from 1 to 3650"
    )
    incoming_expiration_days: int = Field(
        90, ge=1, le=3650, description="a number of days from 1 to 3650"
    )
    quarantine_expiration_days: int = Field(
        90, ge=1, le=3650, description="a number of days from 1 to 3650"
    )


class ProcessingSettings(Section):
    """The data processor's function, and how the queue feeds it."""

    memory_mb: int = Field(512, ge=128, le=10240, description="a number from 128 to 10240")
    timeout_seconds: int = Field(300, ge=1, le=900, description="a number from 1 to 900")
    reserved_concurrency: int = Field(
        10,
        ge=-1,
        le=1000,
        description="-1 (none reserved), 0 (stopped; results wait in the queue for ten days) or a"
        " number up to 1000",
    )
    maximum_concurrency: int = Field(
        8,
        ge=2,
        le=1000,
        description="a number from 2 to 1000, not over what is reserved: how many batches are"
        " processed at once, each with a connection to the database",
    )
    batch_size: int = Field(
        5, ge=1, le=10000, description="a number from 1 to 10000; over 10 needs a batching window"
    )
    batching_window_seconds: int = Field(0, ge=0, le=300, description="a number from 0 to 300")
    database_ca_bundle: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]+\.(pem|crt)$")] | None = (
        Field(
            None,
            description="where the function finds the certificates it trusts the database by, such"
            " as /opt/ca.pem; without it, those in its package",
        )
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )


class MonitoringSettings(Section):
    """Logs, alarms and what an account may have only once (trail, Config recorder)."""

    log_retention_days: RetentionDays = Field(
        90, description="one of " + ", ".join(map(str, LOG_RETENTION_DAYS))
    )
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = Field(
        None, description="an e-mail address"
    )
    trail: bool = Field(
        True, description="true or false: the CloudTrail trail, and the CIS alarms that read it"
    )
    config_recorder: bool = Field(
        True, description="true or false: the AWS Config recorder, its channel and its rules"
    )
    cis_alarms_off: Annotated[tuple[Annotated[int, Field(ge=1, le=15)], ...], CommaList] = Field(
        (), description="numbers from 1 to 15: the CIS 4.x alarms to leave out"
    )
    config_rules_off: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="names of AWS Config rules of lib/monitoring to leave out"
    )


class Settings(Section):
    """Everything a deployment can choose. Frozen; made by `load_settings()`."""

    environment_suffix: Annotated[
        str, Field(pattern=r"^[a-z0-9](?:-?[a-z0-9])*$", max_length=20)
    ] = Field(
        "dev",
        description="1 to 20 lower-case letters, digits and single hyphens, such as dev or pr123",
    )
    aws_region: Region = Field("us-east-1", description="an AWS Region such as us-east-1")
    stacks: Annotated[tuple[str, ...], CommaList, Field(min_length=1)] = Field(
        ("tap",), description="stacks separated by commas"
    )
    terraform_state_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = (
        Field(description="the name of an S3 bucket (3 to 63 of a-z, 0-9, - and .)")
    )
    terraform_state_bucket_region: Region = Field(
        "us-east-1", description="an AWS Region such as us-east-1"
    )
    terraform_state_kms_key_arn: KeyArn | None = Field(None, description="the ARN of a KMS key")
    tags: TagSettings = Field(default_factory=TagSettings)
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    processing: ProcessingSettings = Field(default_factory=ProcessingSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)

    @property
    def partition(self) -> str:
        """The AWS partition of the Region: aws, aws-cn, aws-us-gov."""
        return _regions()[self.aws_region]

    def in_region(self, region: str) -> Settings:
        """The same settings for a stack that lives in another Region."""
        return self.model_copy(update={"aws_region": region})

    def name(self, kind: str) -> str:
        """The physical name `{resource-type}-{suffix}`; raises where it is too long for AWS."""
        name = f"{kind}-{self.environment_suffix}"
        limit = NAME_LIMITS.get(kind.rsplit("-", 1)[-1], NAME_LIMIT)
        if len(name) > limit:
            raise SettingsError(
                f"ENVIRONMENT_SUFFIX: received {self.environment_suffix!r}; it makes the name"
                f" {name!r} of {len(name)} characters where AWS accepts {limit}."
                " Choose a shorter suffix."
            )
        return name

    def name_tag(self, kind: str) -> dict[str, str]:
        """The Name tag of one resource; the provider adds `common_tags` to every resource."""
        return {"Name": self.name(kind)}

    def common_tags(self) -> dict[str, str]:
        """The tags that every resource carries beside its Name."""
        return {
            "Environment": self.environment_suffix,
            "Project": self.tags.project,
            "Owner": self.tags.owner,
            "CostCenter": self.tags.cost_center,
            "ManagedBy": "cdktf",
        }

    @model_validator(mode="before")
    @classmethod
    def _regional_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        region = values.get("aws_region", "us-east-1")
        network = values.get("network", {})
        # An unknown Region is told once, not again for the bucket that would follow it.
        known = isinstance(region, str) and _regions().get(region) in PARTITIONS
        state_region = region if known else "us-east-1"
        filled = {"terraform_state_bucket_region": state_region, **values}
        if isinstance(network, Mapping):
            letters = ZONE_LETTERS.get(region, "ab") if known else "ab"
            zones = tuple(f"{region}{letter}" for letter in letters)
            filled["network"] = {"availability_zones": zones, **network}
        return filled

    @model_validator(mode="after")
    def _queue_and_function(self) -> Self:
        processing = self.processing
        reserved, wanted = processing.reserved_concurrency, processing.maximum_concurrency
        # None reserved is -1; with 0 the function is stopped, and the queue with it.
        if 0 < reserved < wanted:
            raise FieldError(
                "processing.maximum_concurrency",
                wanted,
                f"a number up to {reserved}, which processing.reserved_concurrency reserves",
                "Lower it, or raise TAP_PROCESSING_RESERVED_CONCURRENCY.",
            )
        if processing.batch_size > 10 and processing.batching_window_seconds < 1:
            raise FieldError(
                "processing.batch_size",
                processing.batch_size,
                "up to 10 without a batching window",
                "Lower it, or set TAP_PROCESSING_BATCHING_WINDOW_SECONDS.",
            )
        return self

    @model_validator(mode="after")
    def _zones_and_subnets(self) -> Self:
        zones, network = self.network.availability_zones, self.network
        if len(set(zones)) < 2 or len(set(zones)) != len(zones):
            raise FieldError("network.availability_zones", zones, "two or more different zones")
        for zone in zones:
            if not re.fullmatch(rf"{self.aws_region}(-[a-z0-9-]+-[0-9])?[a-z]", zone):
                raise FieldError(
                    "network.availability_zones", zone, f"zones of the Region {self.aws_region}"
                )
        room = 2 ** (network.subnet_prefix - ipaddress.IPv4Network(network.cidr).prefixlen)
        if room < len(zones):
            raise FieldError(
                "network.cidr",
                network.cidr,
                f"a network with room for {len(zones)} subnets of /{network.subnet_prefix}",
                "Choose a larger network, or smaller subnets with TAP_NETWORK_SUBNET_PREFIX.",
            )
        return self
