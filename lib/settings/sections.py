"""The sections of the settings, one class each; `TAP_<SECTION>_<FIELD>` sets a field."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from lib.cidr import public_ranges
from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.config_table import CONFIG_RULES
from lib.settings.fields import (
    RETENTION_DAYS,
    CommaList,
    FieldError,
    Ipv4Networks,
    Region,
    RetentionDays,
    SecretArn,
    Section,
    TagValue,
)
from lib.settings.vpc import RoutedVpcSettings, SubnetList

# Major versions for which RDS has a parameter group family `aurora-postgresql<major>`.
AURORA_POSTGRESQL_MAJORS = (13, 14, 15, 16, 17)
# EC2 imports keys of these two types.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html
PUBLIC_KEY = r"(ssh-ed25519|ssh-rsa) AAAA[A-Za-z0-9+/]{60,}={0,2}( [^\r\n]*)?"
DOMAIN_NAME = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
# The policy of the requirements, and those that Elastic Load Balancing recommends.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TlsPolicy = Literal[
    "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
]
CertificateArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$")
]


def _known_engine(value: str) -> str:
    if int(value.split(".")[0]) not in AURORA_POSTGRESQL_MAJORS:
        raise ValueError("the aurora-postgresql engine family does not exist")
    return value


def _unreserved_username(value: str) -> str:
    if value in ("admin", "rdsadmin"):
        raise ValueError("RDS reserves the name")
    return value


def _non_public_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    if public := public_ranges(networks):
        raise ValueError(f"{', '.join(public)} is a public address range")
    return networks


class TagSettings(Section):
    """Values of the tags that every resource has besides Name, Environment and ManagedBy."""

    project: TagValue = Field("tap", description="1 to 256 letters, digits or _ . : / = + - @")
    owner: TagValue = Field(
        "platform-engineering", description="1 to 256 letters, digits or _ . : / = + - @"
    )
    cost_center: TagValue = Field(
        "test-automation", description="1 to 256 letters, digits or _ . : / = + - @"
    )


class DatabaseFields(Section):
    """Fields of a PostgreSQL database of either engine."""

    instance_class: Annotated[str, Field(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")] = Field(
        "db.t4g.medium", description="a DB instance class such as db.t4g.medium or db.r6g.large"
    )
    backup_retention_days: int = Field(7, ge=1, le=35, description="a number of days from 1 to 35")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        "tap", description="a lower-case identifier of at most 63 characters"
    )
    username: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$"), AfterValidator(_unreserved_username)
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


class DatabaseSettings(DatabaseFields):
    """The Aurora PostgreSQL cluster and its secret."""

    engine_version: Annotated[
        str, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$"), AfterValidator(_known_engine)
    ] = Field(
        "16.9",
        description="MAJOR.MINOR of Aurora PostgreSQL, MAJOR one of "
        + ", ".join(map(str, AURORA_POSTGRESQL_MAJORS)),
    )
    reader_count: int = Field(1, ge=0, le=15, description="a number from 0 to 15")


class PostgresSettings(DatabaseFields):
    """The PostgreSQL instance of the web application and its secret."""

    engine_version: Annotated[str, Field(pattern=r"^1[3-7](\.[0-9]{1,2})?$")] = Field(
        "15",
        description="MAJOR (RDS chooses and upgrades the minor version) or MAJOR.MINOR; MAJOR from"
        " 13 to 17",
    )
    storage_gb: int = Field(20, ge=20, le=65536, description="a number from 20 to 65536")
    maximum_storage_gb: int = Field(
        100,
        ge=20,
        le=65536,
        description="a number up to 65536 that exceeds storage_gb by at least 10 and a tenth: the"
        " limit of storage autoscaling",
    )
    multi_az: bool = Field(True, description="true or false: a standby in another zone")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        "web", description="a lower-case identifier of at most 63 characters"
    )
    username: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$"), AfterValidator(_unreserved_username)
    ] = Field(
        "web_master",
        description="a lower-case identifier of at most 16 characters, not admin or rdsadmin",
    )

    @model_validator(mode="after")
    def _storage_autoscaling(self) -> Self:
        # RDS enlarges a storage by 10 GiB or a tenth, whichever is more, and requires that
        # difference.
        least = self.storage_gb + max(10, math.ceil(self.storage_gb / 10))
        if self.maximum_storage_gb < least:
            raise FieldError(
                "maximum_storage_gb",
                self.maximum_storage_gb,
                f"a number from {least}, because storage_gb is {self.storage_gb}",
            )
        return self


class StorageSettings(Section):
    """Encryption of the access logs, and retention of objects in buckets."""

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
    """The function of the data processor and its event source mapping."""

    memory_mb: int = Field(512, ge=128, le=10240, description="a number from 128 to 10240")
    timeout_seconds: int = Field(300, ge=1, le=900, description="a number from 1 to 900")
    reserved_concurrency: int = Field(
        10,
        ge=-1,
        le=1000,
        description="-1 (none reserved), 0 (function stopped; messages stay in the queue for ten"
        " days) or a number up to 1000",
    )
    maximum_concurrency: int = Field(
        8,
        ge=2,
        le=1000,
        description="a number from 2 to 1000, at most the reserved concurrency: the number of"
        " concurrent batches, each with a connection to the database",
    )
    batch_size: int = Field(
        5,
        ge=1,
        le=10000,
        description="a number from 1 to 10000; over 10 requires a batching window",
    )
    batching_window_seconds: int = Field(0, ge=0, le=300, description="a number from 0 to 300")
    database_ca_bundle: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]+\.(pem|crt)$")] | None = (
        Field(
            None,
            description="the path of the trusted certificates of the database in the file system of"
            " the function, such as /opt/ca.pem; without it, those in its package",
        )
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )


class MonitoringSettings(Section):
    """Logs, alarms, the trail and the AWS Config recorder."""

    log_retention_days: RetentionDays = Field(90, description=RETENTION_DAYS)
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = Field(
        None, description="an e-mail address"
    )
    trail: bool = Field(
        True,
        description="true or false: create a CloudTrail trail and the CIS alarms on its log group",
    )
    config_recorder: bool = Field(
        True, description="true or false: create the AWS Config recorder and rules (one per Region)"
    )
    cis_alarms_off: Annotated[
        tuple[Annotated[int, Field(ge=1, le=len(CIS_ALARMS))], ...], CommaList
    ] = Field((), description=f"numbers from 1 to {len(CIS_ALARMS)}: CIS 4.x alarms to exclude")
    config_rules_off: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="names of AWS Config rules of lib/monitoring/config_table.py to exclude"
    )

    @model_validator(mode="after")
    def _config_rules_exist(self) -> Self:
        names = [rule.name for rule in CONFIG_RULES]
        if unknown := [name for name in self.config_rules_off if name not in names]:
            raise FieldError(
                "config_rules_off", unknown, f"names among {', '.join(names)}", "Correct the name."
            )
        return self


class BastionSettings(RoutedVpcSettings):
    """The network with the bastion."""

    region: Region = Field("us-west-2", description="an AWS Region such as us-west-2")
    amazon_linux: Literal["2", "2023"] = Field(
        "2", description="2 or 2023: the release; its newest image is used at creation"
    )
    instance_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9]+$")] = Field(
        "t3.micro", description="an EC2 instance type with x86-64 such as t3.micro"
    )
    ssh: bool = Field(
        True, description="true or false: with false, only Session Manager gives access"
    )
    ssh_cidrs: Annotated[
        Ipv4Networks, Field(min_length=1), AfterValidator(_non_public_networks)
    ] = Field(
        ("203.0.113.0/24",),
        description="IPv4 networks of /8 or smaller separated by commas, such as 203.0.113.0/24;"
        " 0.0.0.0/0 is public",
    )
    public_key: str | None = Field(
        None,
        description="an OpenSSH public key, ssh-ed25519 or ssh-rsa: the line in"
        " ~/.ssh/id_ed25519.pub",
    )
    backup_expiration_days: int = Field(
        365, ge=90, le=3650, description="a number of days from 90 to 3650"
    )

    @model_validator(mode="after")
    def _public_key(self) -> Self:
        key = self.public_key
        if key is None or re.fullmatch(PUBLIC_KEY, key.strip()):
            return self
        # The value may be a private key, which must not be logged.
        received = "a private key" if "PRIVATE" in key else key
        accepted = type(self).model_fields["public_key"].description or ""
        raise FieldError("public_key", received, accepted)


class WebSettings(RoutedVpcSettings):
    """The web application: network, domain name, instances and API."""

    region: Region = Field("us-east-1", description="an AWS Region such as us-east-1")
    isolated_subnets: SubnetList = Field(
        ("10.0.20.0/24", "10.0.21.0/24"),
        description="one IPv4 network per zone within that of the VPC, separated by commas",
    )
    domain_name: Annotated[str, Field(pattern=DOMAIN_NAME)] | None = Field(
        None, description="the domain name of the application, such as app.example.com"
    )
    hosted_zone_id: Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$")] | None = Field(
        None,
        description="the id of the public Route 53 zone of the domain name, for the validation of"
        " the certificate and the alias record",
    )
    certificate_arn: CertificateArn | None = Field(
        None, description="the ARN of an ACM certificate for the domain name in the same Region"
    )
    tls_policy: TlsPolicy = Field(
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        description="one of " + ", ".join(get_args(TlsPolicy)),
    )
    waf: bool = Field(
        True, description="true or false: AWS managed rules for the load balancer and the API"
    )
    instance_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9]+$")] = Field(
        "t3.micro", description="an EC2 instance type with x86-64 such as t3.micro"
    )
    minimum_instances: int = Field(2, ge=1, le=1000, description="a number from 1 to 1000")
    maximum_instances: int = Field(
        10, ge=1, le=1000, description="a number from minimum_instances to 1000"
    )
    cpu_target_percent: int = Field(60, ge=10, le=90, description="a number from 10 to 90")
    requests_target: int = Field(
        1000, ge=1, description="a number from 1: requests per minute and instance"
    )
    log_retention_days: RetentionDays = Field(7, description=RETENTION_DAYS)
    api_origin: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?$")] | None = Field(
        None,
        description="the origin from which browsers may call the API, such as"
        " https://app.example.com; without it, that of domain_name",
    )
    api_requests_per_second: int = Field(100, ge=1, le=10000, description="a number up to 10000")
    api_burst: int = Field(200, ge=1, le=5000, description="a number up to 5000")
    api_account_role: bool = Field(
        True,
        description="true or false: set the role with which API Gateway writes logs (one per"
        " account and Region)",
    )

    @property
    def smallest_subnet_prefix(self) -> int:
        """The prefix length of the smallest subnet that a load balancer accepts.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
        """
        return 27

    @model_validator(mode="after")
    def _instances(self) -> Self:
        if self.minimum_instances > self.maximum_instances:
            raise FieldError(
                "minimum_instances",
                self.minimum_instances,
                f"a number up to {self.maximum_instances}, the value of maximum_instances",
                "Lower it, or raise TAP_WEB_MAXIMUM_INSTANCES.",
            )
        return self
