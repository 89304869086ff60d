"""The sections of the settings, one class each; `TAP_<SECTION>_<FIELD>` sets a field."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from lib.cidr import WIDEST_SSH_PREFIX, public_ranges
from lib.end_of_support import AURORA, POSTGRES, find, find_engine, supported_versions
from lib.instance_classes import description, supports
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

# A network ACL has 19 rules per direction besides the default rule; 3 are for the VPC and replies.
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls
MAXIMUM_SSH_NETWORKS = 16
# The major versions of PostgreSQL that both engines have.
POSTGRESQL_MAJORS = ("14", "15", "16", "17", "18")
# The longest waiting period of KMS before it deletes a key.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
LONGEST_DELETION_WINDOW_DAYS = 30
ENGINE_VERSION = (
    "MAJOR (AWS selects and upgrades the minor version) or MAJOR.MINOR of {}; MAJOR from"
    f" {POSTGRESQL_MAJORS[0]} to {POSTGRESQL_MAJORS[-1]}"
)
CertificateFile = Annotated[str, Field(pattern=r"^/?[A-Za-z0-9][A-Za-z0-9._/-]*\.(pem|crt)$")]
EngineVersion = Annotated[str, Field(pattern=r"^[0-9]{2}(\.[0-9]{1,2})?$")]
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
PrincipalPattern = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:iam::([0-9]{12}|\*):(role|user)/[A-Za-z0-9_+=,.@/*?-]+$")
]
CertificateArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$")
]
IamUserArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:user/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$")
]
# Protocols of SNS subscriptions that need no role and no phone number.
# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
AlarmSubscriber = Annotated[
    str,
    Field(
        pattern=r"^(https://[^\s,/]+\S*|arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}"
        r"|arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?)$"
    ),
]


def _instance_class_of(engine: str) -> AfterValidator:
    def supported(value: str) -> str:
        if not supports(engine, value):
            raise ValueError("the engine does not have the DB instance class")
        return value

    return AfterValidator(supported)


def _unreserved_username(value: str) -> str:
    if value in ("admin", "rdsadmin"):
        raise ValueError("RDS reserves the name")
    return value


def _ssh_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    if public := public_ranges(networks, WIDEST_SSH_PREFIX):
        raise ValueError(f"{', '.join(public)} is too wide for SSH")
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

    engine: ClassVar[str]

    engine_version: EngineVersion
    extended_support: bool = Field(
        False,
        description="true or false: RDS Extended Support, which AWS bills after the end of standard"
        " support of the major version",
    )
    backup_retention_days: int = Field(
        7,
        ge=1,
        le=LONGEST_DELETION_WINDOW_DAYS,
        description="a number of days from 1 to 30: KMS keeps the key that encrypts the backups for"
        " at most 30 days after its deletion",
    )
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
    secret_principals: Annotated[tuple[PrincipalPattern, ...], CommaList] = Field(
        (),
        description="ARNs of IAM roles and users, with * and ? as wildcards, separated by commas:"
        " besides the root user and the database administrator, only they use the value of the"
        " secret. Include the principal that runs Terraform. Without it, IAM policies decide",
    )

    @model_validator(mode="after")
    def _known_major_version(self) -> Self:
        major = self.engine_version.split(".")[0]
        if major not in POSTGRESQL_MAJORS:
            accepted = type(self).model_fields["engine_version"].description or ""
            if ended := find(self.engine, major):
                accepted += f" (the standard support of {major} ended on {ended.end})"
            raise FieldError("engine_version", self.engine_version, accepted)
        return self

    def check_support(self, section: str, today: date) -> None:
        """Raise FieldError if the support of the engine version has ended."""
        version = self.engine_version
        row = find_engine(self.engine, version, extended=self.extended_support)
        if row is None or not row.has_ended(today):
            return
        supported = supported_versions(self.engine, today)
        minors = [one for one in supported if "." in one]
        majors = [
            one for one in POSTGRESQL_MAJORS if one in supported or not find(self.engine, one)
        ]
        raise FieldError(
            f"{section}.engine_version",
            version,
            f"a version in support, such as {', '.join([*majors, *minors])} (for MAJOR, AWS selects"
            f" and upgrades the minor version); the support of {row.name} ended on {row.end}",
            f"{row.remedy}.",
        )


class DatabaseSettings(DatabaseFields):
    """The Aurora PostgreSQL cluster and its secret."""

    engine: ClassVar[str] = AURORA

    engine_version: EngineVersion = Field(
        "16.9", description=ENGINE_VERSION.format("Aurora PostgreSQL")
    )
    instance_class: Annotated[str, _instance_class_of(AURORA)] = Field(
        "db.t4g.medium", description=description(AURORA)
    )
    reader_count: int = Field(1, ge=0, le=15, description="a number from 0 to 15")
    rotation_days: int = Field(
        90,
        ge=0,
        le=1000,
        description="a number of days from 1 to 1000 between rotations of the master password, or 0"
        " for none",
    )


class PostgresSettings(DatabaseFields):
    """The PostgreSQL instance of the web application and its secret."""

    engine: ClassVar[str] = POSTGRES

    engine_version: EngineVersion = Field(
        "15", description=ENGINE_VERSION.format("RDS for PostgreSQL")
    )
    instance_class: Annotated[str, _instance_class_of(POSTGRES)] = Field(
        "db.t4g.medium", description=description(POSTGRES)
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

    access_logs_encryption: Literal["s3", "kms"] = Field(
        "s3",
        description="s3 (SSE-S3) or kms (the customer managed key; AWS documents SSE-KMS as"
        " unsupported for server access logs, which may then not be delivered, without an error)",
    )
    deletion_users: Annotated[tuple[IamUserArn, ...], CommaList] = Field(
        (),
        description="ARNs of IAM users that may assume a role to delete objects of buckets that"
        " require MFA for deletion, with their MFA device; without them there is no such role",
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
    database_ca_bundle: CertificateFile | None = Field(
        None,
        description="a PEM file of certificate authorities: a path in this project, such as"
        " config/rds-ca.pem, or in the file system of the function, such as /opt/ca.pem; by default"
        " the authorities of Amazon RDS in the Region",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )


class MonitoringSettings(Section):
    """Logs, alarms, the trail and the AWS Config recorder."""

    log_retention_days: RetentionDays = Field(90, description=RETENTION_DAYS)
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = Field(
        None, description="an e-mail address, whose owner confirms the subscription"
    )
    alarm_subscribers: Annotated[tuple[AlarmSubscriber, ...], CommaList] = Field(
        (),
        description="HTTPS URLs, and ARNs of SQS queues (not FIFO) and Lambda functions whose"
        " policies let sns.amazonaws.com send, separated by commas",
    )
    trail: bool = Field(
        True,
        description="true or false: create a CloudTrail trail and the CIS alarms on its log group",
    )
    audit_lock_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="0, or a number of days up to 3650 in which Object Lock (GOVERNANCE) keeps"
        " versions of the trail's logs; Object Lock cannot be disabled on a bucket again",
    )
    s3_data_events: bool = Field(
        False,
        description="true or false: the trail records reads and writes of objects in the data"
        " bucket, which AWS charges for",
    )
    lambda_data_events: bool = Field(
        False,
        description="true or false: the trail records invocations of the function, which AWS"
        " charges for",
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

    @property
    def has_receiver(self) -> bool:
        """Whether the alarms have a receiver."""
        return self.alarm_email is not None or bool(self.alarm_subscribers)

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
        Ipv4Networks,
        Field(min_length=1, max_length=MAXIMUM_SSH_NETWORKS),
        AfterValidator(_ssh_networks),
    ] = Field(
        ("203.0.113.0/24",),
        description=f"1 to {MAXIMUM_SSH_NETWORKS} IPv4 networks separated by commas, such as"
        " 203.0.113.0/24, that together"
        f" contain at most {2 ** (32 - WIDEST_SSH_PREFIX[4])} public addresses (a"
        f" /{WIDEST_SSH_PREFIX[4]}); private networks (RFC 1918) do not count",
    )
    public_key: str | None = Field(
        None,
        description="an OpenSSH public key, ssh-ed25519 or ssh-rsa: the line in"
        " ~/.ssh/id_ed25519.pub",
    )
    backup_expiration_days: int = Field(
        365, ge=90, le=3650, description="a number of days from 90 to 3650"
    )
    login_alarm: bool = Field(True, description="true or false: an alarm for every login")
    record_default_sessions: bool = Field(
        False,
        description="true or false: record also the Session Manager sessions that name no document,"
        " of all instances in the Region (one document per account and Region)",
    )
    config_recorder: bool | None = Field(
        None,
        description="true or false: the AWS Config recorder and rules and the notifications of"
        " findings in the Region of the bastion (one recorder per Region); without it, true where"
        " the Region is not AWS_REGION and monitoring.config_recorder is true",
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
    requests_per_address: int = Field(
        10_000,
        ge=10,
        le=2_000_000_000,
        description="a number from 10: requests in five minutes, over which AWS WAF blocks an"
        " address",
    )
    body_limit_kb: int = Field(
        1024,
        ge=1,
        le=10240,
        description="a number up to 10240, the limit of API Gateway: larger request bodies are"
        " rejected",
    )
    instance_tls: bool = Field(
        False,
        description="true or false: TLS between the load balancer and the instances; a change"
        " replaces the target group and the instances and interrupts the service for minutes",
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
    api_domain_name: Annotated[str, Field(pattern=DOMAIN_NAME)] | None = Field(
        None,
        description="the domain name of the API, such as api.example.com; without it, api. before"
        " domain_name if hosted_zone_id is set, otherwise the default endpoint, which accepts TLS"
        " 1.0",
    )
    api_certificate_arn: CertificateArn | None = Field(
        None,
        description="the ARN of an ACM certificate for the domain name of the API in the same"
        " Region; without it, a certificate is created if hosted_zone_id is set",
    )
    api_requests_per_second: int = Field(100, ge=1, le=10000, description="a number up to 10000")
    api_burst: int = Field(200, ge=1, le=5000, description="a number up to 5000")
    api_account_role: bool = Field(
        True,
        description="true or false: set the role with which API Gateway writes logs (one per"
        " account and Region)",
    )

    @property
    def api_domain(self) -> str | None:
        """The custom domain name of the API; None if clients use the default endpoint."""
        if self.api_domain_name or not (self.domain_name and self.hosted_zone_id):
            return self.api_domain_name
        return f"api.{self.domain_name}"

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
