"""Processing of test results: an encrypted bucket, its queue and the function that consumes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secret import DataAwsSecretsmanagerSecret
from constructs import Construct

from lib.compute.function import Function
from lib.context import Context
from lib.database import PORT as DATABASE_PORT
from lib.database import AuroraCluster, DatabaseSecret
from lib.iam_policy import Statement
from lib.messaging.queue import Queue, visibility_timeout
from lib.networking.network import Network
from lib.networking.security_group import HTTPS
from lib.storage.bucket import EventNotification, Retention, SecureBucket

KIND = "data-processor"
HANDLER = "data_processor.handler"
SERVICES_OF_KEY = ("s3", "secretsmanager", "sqs", "lambda")
INCOMING = "incoming/"
PROCESSED = "processed/"
QUARANTINE = "quarantine/"


@dataclass(frozen=True, kw_only=True)
class DataProcessingConfig:
    """Configuration of the function, its event source and the bucket.

    `memory_mb` is from 128 to 10240, `timeout_seconds` from 1 to 900. A `reserved_concurrency` of
    -1 reserves none, 0 stops the function. `maximum_concurrency` is the number of concurrent
    batches, each with a connection to the database. `database_ca_bundle` is a path inside the
    function's file system that replaces the bundle in its package. The other values are days.
    """

    memory_mb: int = 512
    timeout_seconds: int = 300
    reserved_concurrency: int = 10
    maximum_concurrency: int = 8
    batch_size: int = 5
    batching_window_seconds: int = 0
    database_ca_bundle: str | None = None
    log_level: str = "INFO"
    infrequent_access_days: int = 90
    noncurrent_version_days: int = 90
    incoming_expiration_days: int = 90
    quarantine_expiration_days: int = 90


class DataProcessing(Construct):
    """Creates the data bucket, its queue and the function that processes new objects.

    The function reads `incoming/` and writes `processed/`, or `quarantine/` for invalid input.
    Originals remain until they expire, because deletion requires MFA. `source` is the folder of the
    function's code.

    Guarantee: security groups, endpoint policies and IAM policies let the function reach the
    database, its secret and its bucket only. The number of concurrent batches is limited.
    `database_secret` contains the metadata of the secret; the value would be stored in the
    Terraform state, so only the function reads it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        network: Network,
        database: AuroraCluster,
        secret: DatabaseSecret,
        source: Path,
        config: DataProcessingConfig,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._config = context, config
        self.queue = Queue(
            self,
            "Queue",
            context=context,
            kind="results-queue",
            dead_letter_kind="results-dead-letters",
            visibility_timeout_seconds=visibility_timeout(
                config.timeout_seconds, config.batching_window_seconds
            ),
        )
        self.bucket = SecureBucket(
            self,
            "Data",
            context=context,
            kind="data",
            retention=Retention(
                infrequent_access_days=config.infrequent_access_days,
                noncurrent_version_days=config.noncurrent_version_days,
                prefix_expiration_days={
                    INCOMING: config.incoming_expiration_days,
                    QUARANTINE: config.quarantine_expiration_days,
                },
            ),
            notification=EventNotification(queue=self.queue, prefix=INCOMING),
        )
        self.bucket.require_mfa_for_deletion()
        self.database_secret = DataAwsSecretsmanagerSecret(self, "DatabaseSecret", arn=secret.arn)
        # The id "Default" is not part of the addresses of the function's resources.
        processor = Function(
            self,
            "Default",
            context=context,
            kind=KIND,
            source=source,
            handler=HANDLER,
            description="Summarises files of test results",
            role_description="What the data processor may do",
            statements=self._statements(),
            environment=self._variables(),
            memory_mb=config.memory_mb,
            timeout_seconds=config.timeout_seconds,
            reserved_concurrency=config.reserved_concurrency,
            network=network,
            security_group_kind="function-security-group",
            security_group_purpose="The data processor; nothing comes in",
            depends_on=secret.published,
        )
        self.function, self.role = processor.function, processor.role
        self.log_group = processor.log_group
        self._allow_connections(processor, network, database)
        self._allow_through_endpoints(network)
        self.event_source_mapping = processor.consume(
            self.queue,
            kind="results-source",
            # Messages that a stopped function does not accept end in the dead-letter queue.
            enabled=config.reserved_concurrency != 0,
            batch_size=config.batch_size,
            batching_window_seconds=config.batching_window_seconds,
            maximum_concurrency=config.maximum_concurrency,
        )

    def _allow_connections(
        self, processor: Function, network: Network, database: AuroraCluster
    ) -> None:
        group = processor.security_group
        if group is None:
            raise AssertionError("a function in a network has a security group")
        self.security_group = group
        group.allow_to_group(database.security_group, DATABASE_PORT, "Rows to Aurora PostgreSQL")
        group.allow_to_group(network.endpoints_security_group, HTTPS, "AWS services by endpoints")
        group.allow_to_prefix_list(network.s3_prefix_list_id, HTTPS, "S3 by its gateway endpoint")

    def _statements(self) -> list[Statement]:
        account, key = self._context.account, self._context.key
        return [
            Statement(
                sid="ReadResults",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=(f"{self.bucket.arn}/{INCOMING}*",),
            ),
            # Without it S3 responds to a request for a missing object with 403. A condition on the
            # prefix has the same effect, because a request for an object has no prefix.
            Statement(sid="ListBucket", actions=("s3:ListBucket",), resources=(self.bucket.arn,)),
            Statement(
                sid="WriteSummaries",
                actions=("s3:PutObject",),
                resources=(f"{self.bucket.arn}/{PROCESSED}*",),
            ),
            Statement(
                sid="WriteQuarantine",
                actions=("s3:PutObject",),
                resources=(f"{self.bucket.arn}/{QUARANTINE}*",),
            ),
            Statement(
                sid="UseKey",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(key.arn,),
                conditions={
                    "StringEquals": {"kms:ViaService": account.via_services(*SERVICES_OF_KEY)}
                },
            ),
            Statement(
                sid="ReadDatabaseSecret",
                actions=("secretsmanager:GetSecretValue",),
                resources=(self.database_secret.arn,),
            ),
            # Only Terraform reads the pending password. A request without staging label and version
            # returns the current value, and has no condition key that could be allowed.
            Statement(
                sid="DenyOtherStagingLabels",
                effect="Deny",
                actions=("secretsmanager:GetSecretValue",),
                conditions={
                    "ForAnyValue:StringNotEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}
                },
            ),
            Statement(
                sid="DenySecretVersions",
                effect="Deny",
                actions=("secretsmanager:GetSecretValue",),
                conditions={"Null": {"secretsmanager:VersionId": "false"}},
            ),
        ]

    def _allow_through_endpoints(self, network: Network) -> None:
        network.allow_through(
            "s3",
            sid="DataBucket",
            actions=("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket"),
            resources=(self.bucket.arn, f"{self.bucket.arn}/*"),
        )
        network.allow_through(
            "secretsmanager",
            sid="DatabaseSecret",
            actions=("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"),
            resources=(self.database_secret.arn,),
        )
        network.allow_through(
            "kms",
            sid="Key",
            actions=("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
            resources=(self._context.key.arn,),
        )

    def _variables(self) -> dict[str, str]:
        bundle = self._config.database_ca_bundle
        return {
            "DATA_BUCKET": self.bucket.name,
            "INCOMING_PREFIX": INCOMING,
            "PROCESSED_PREFIX": PROCESSED,
            "QUARANTINE_PREFIX": QUARANTINE,
            "KMS_KEY_ARN": self._context.key.arn,
            "DATABASE_SECRET_ARN": self.database_secret.arn,
            "ENVIRONMENT_SUFFIX": self._context.naming.suffix,
            "LOG_LEVEL": self._config.log_level,
            **({"DATABASE_CA_BUNDLE": bundle} if bundle else {}),
        }
