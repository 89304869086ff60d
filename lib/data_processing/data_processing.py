"""Data processing: results come into a bucket, news of them into a queue, a function takes both."""

from __future__ import annotations

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secret import DataAwsSecretsmanagerSecret
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingScalingConfig,
)
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
    LambdaFunctionVpcConfig,
)
from constructs import Construct

from lib.account import Account
from lib.compute.packaging import PROJECT, package_function
from lib.context import Foundation
from lib.database import PORT as DATABASE_PORT
from lib.database import AuroraCluster, DatabaseSecret
from lib.iam_policy import Statement
from lib.messaging.queue import Queue, visibility_timeout
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import HTTPS, SecurityGroup
from lib.security.roles import ServiceRole
from lib.storage.bucket import Notification, Retention, SecureBucket
from lib.suppressions import suppress

RUNTIME = "python3.11"
HANDLER = "data_processor.handler"
KEY_USED_BY_ROLE = ("s3", "secretsmanager", "sqs", "lambda")
SOURCE = PROJECT / "lambda"
INCOMING = "incoming/"
PROCESSED = "processed/"
QUARANTINE = "quarantine/"

# What Lambda itself does with a role to attach a function to a VPC; it asks for all resources.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
NETWORK_INTERFACE_ACTIONS = (
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"),
    "ec2:UnassignPrivateIpAddresses",
)


class DataProcessing(Construct):
    """Creates the data bucket, the queue of what came in, and the function that empties it.

    The function reads `incoming/` and writes `processed/`, or `quarantine/` where input is bad;
    originals stay until they expire, as deletion needs MFA.

    Guarantee: the function reaches the database, its secret and its bucket, by ports, by network
    policies and by IAM, and nothing else; it runs no more often at once than the settings say.
    `database_secret` is the secret's metadata as Terraform reads it; the value would lie in the
    state, so only the function reads that.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        foundation: Foundation,
        network: Network,
        database: AuroraCluster,
        secret: DatabaseSecret,
    ) -> None:
        super().__init__(scope, id_)
        settings, account, key = foundation.settings, foundation.account, foundation.key
        self._settings, self._key = settings, key
        # S3 encrypts what it sends.
        key.allow_service("s3-notifications")
        self.queue = Queue(
            self,
            "Queue",
            settings=settings,
            key=key,
            kind="results-queue",
            dead_letters_kind="results-dead-letters",
            visibility_timeout_seconds=visibility_timeout(
                settings.processing.timeout_seconds, settings.processing.batching_window_seconds
            ),
        )
        self.bucket = SecureBucket(
            self,
            "Data",
            settings=settings,
            account=account,
            kind="data",
            key=key,
            access_logs=foundation.access_logs,
            retention=Retention(
                infrequent_access_days=settings.storage.infrequent_access_days,
                noncurrent_version_days=settings.storage.noncurrent_version_days,
                prefix_expiration_days={
                    INCOMING: settings.storage.incoming_expiration_days,
                    QUARANTINE: settings.storage.quarantine_expiration_days,
                },
            ),
            notify=Notification(queue=self.queue, prefix=INCOMING),
        )
        self.bucket.require_mfa_for_deletion()
        self.database_secret = DataAwsSecretsmanagerSecret(self, "DatabaseSecret", arn=secret.arn)
        self.log_group = LogGroup(
            self, "Logs", foundation=foundation, path="/aws/lambda", kind="data-processor"
        )
        self.role = ServiceRole(
            self,
            "Role",
            foundation=foundation,
            kind="data-processor-role",
            assumed_by="lambda",
            description="What the data processor may do",
        )
        self._grant(account)
        self.security_group = self._build_security_group(network, database)
        self._open_endpoints(network)
        self.function = self._build_function(network, secret)
        self.source = self._feed()

    def _build_security_group(self, network: Network, database: AuroraCluster) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "SecurityGroup",
            settings=self._settings,
            vpc=network.vpc,
            kind="function-security-group",
            purpose="The data processor; nothing comes in",
            # With these permissions Lambda takes its network interfaces away, long after the
            # function is gone; the group cannot go before them.
            depends_on=self.role.permissions,
        )
        group.allow_to_group(database.security_group, DATABASE_PORT, "Rows to Aurora PostgreSQL")
        group.allow_to_group(network.endpoints_security_group, HTTPS, "AWS services by endpoints")
        group.allow_to_prefix_list(network.s3_prefix_list_id, HTTPS, "S3 by its gateway endpoint")
        return group

    def _grant(self, account: Account) -> None:
        function_arn = account.arn("lambda", f"function:{self._settings.name('data-processor')}")
        via = [f"{name}.{account.region}.amazonaws.com" for name in KEY_USED_BY_ROLE]
        self.role.grant(
            Statement(
                sid="ReadResults",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=(f"{self.bucket.arn}/{INCOMING}*",),
            ),
            # Without it S3 answers a missing object with "access denied"; with a condition on the
            # prefix too, since reading an object names none.
            Statement(sid="SeeResults", actions=("s3:ListBucket",), resources=(self.bucket.arn,)),
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
            # Lambda polls the queue with this role.
            Statement(
                sid="EmptyQueue",
                actions=(
                    *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                    "sqs:ChangeMessageVisibility",
                ),
                resources=(self.queue.arn,),
            ),
            Statement(
                sid="UseKey",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(self._key.arn,),
                conditions={"StringEquals": {"kms:ViaService": via}},
            ),
            Statement(
                sid="ReadDatabaseSecret",
                actions=("secretsmanager:GetSecretValue",),
                resources=(self.database_secret.arn,),
            ),
            # The pending password is Terraform's alone. Asked without label or version, Secrets
            # Manager gives the current one, and sends no key that could be allowed.
            Statement(
                sid="DenyOtherLabels",
                effect="Deny",
                actions=("secretsmanager:GetSecretValue",),
                conditions={
                    "ForAnyValue:StringNotEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}
                },
            ),
            Statement(
                sid="DenyVersions",
                effect="Deny",
                actions=("secretsmanager:GetSecretValue",),
                conditions={"Null": {"secretsmanager:VersionId": "false"}},
            ),
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"{self.log_group.arn}:*",),
            ),
            # X-Ray has no resources to name.
            Statement(
                sid="SendTraces", actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords")
            ),
            Statement(sid="AttachToNetwork", actions=NETWORK_INTERFACE_ACTIONS),
            # The same role serves Lambda and the function's own code, which must not do the above.
            Statement(
                sid="DenyNetworkToCode",
                effect="Deny",
                actions=NETWORK_INTERFACE_ACTIONS,
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
            ),
        )

    def _open_endpoints(self, network: Network) -> None:
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
            resources=(self._key.arn,),
        )

    def _build_function(self, network: Network, secret: DatabaseSecret) -> LambdaFunction:
        settings = self._settings
        package = package_function(SOURCE)
        asset = TerraformAsset(
            self,
            "Package",
            path=str(package.path),
            type=AssetType.FILE,
            asset_hash=package.sha256,
        )
        function = LambdaFunction(
            self,
            "Resource",
            function_name=settings.name("data-processor"),
            description="Summarises files of test results",
            role=self.role.arn,
            runtime=RUNTIME,
            handler=HANDLER,
            filename=asset.path,
            source_code_hash=package.source_code_hash,
            memory_size=settings.processing.memory_mb,
            timeout=settings.processing.timeout_seconds,
            reserved_concurrent_executions=settings.processing.reserved_concurrency,
            kms_key_arn=self._key.arn,
            environment=LambdaFunctionEnvironment(variables=self._variables()),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=[subnet.id for subnet in network.private_subnets],
                security_group_ids=[self.security_group.id],
            ),
            logging_config=LambdaFunctionLoggingConfig(
                log_format="Text", log_group=self.log_group.name
            ),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            tags=settings.name_tag("data-processor"),
            depends_on=[*self.role.permissions, *secret.published],
        )
        suppress(
            function,
            since="2026-11",
            reasons={
                "CKV_AWS_116": "The queue that feeds it keeps the dead letters; a function's own are for"
                " asynchronous calls",
                "CKV_AWS_272": "The package is built and hashed at synth from this repository",
            },
        )
        return function

    def _feed(self) -> LambdaEventSourceMapping:
        processing = self._settings.processing
        return LambdaEventSourceMapping(
            self,
            "Source",
            event_source_arn=self.queue.arn,
            function_name=self.function.arn,
            # A stopped function would be throttled until good messages were dead letters.
            enabled=processing.reserved_concurrency != 0,
            batch_size=processing.batch_size,
            maximum_batching_window_in_seconds=processing.batching_window_seconds,
            # Only what failed comes back, not the whole batch.
            function_response_types=["ReportBatchItemFailures"],
            # Each run holds a connection to the database, and reserved concurrency does not keep
            # Lambda from reading more than it can hand over; this does.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
            scaling_config=LambdaEventSourceMappingScalingConfig(
                maximum_concurrency=processing.maximum_concurrency
            ),
            # It needs the role's permissions too, which the function waits for.
            tags=self._settings.name_tag("results-source"),
        )

    def _variables(self) -> dict[str, str]:
        bundle = self._settings.processing.database_ca_bundle
        return {
            "DATA_BUCKET": self.bucket.name,
            "INCOMING_PREFIX": INCOMING,
            "PROCESSED_PREFIX": PROCESSED,
            "QUARANTINE_PREFIX": QUARANTINE,
            "KMS_KEY_ARN": self._key.arn,
            "DATABASE_SECRET_ARN": self.database_secret.arn,
            "ENVIRONMENT_SUFFIX": self._settings.environment_suffix,
            "LOG_LEVEL": self._settings.processing.log_level,
            **({"DATABASE_CA_BUNDLE": bundle} if bundle else {}),
        }
