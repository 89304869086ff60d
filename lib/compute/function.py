"""Lambda functions with their role, log group and, optionally, network and event source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cdktf import AssetType, ITerraformDependable, TerraformAsset
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

from lib.compute.packaging import package_function
from lib.context import Context
from lib.iam_policy import Statement
from lib.messaging.queue import Queue
from lib.monitoring.log_group import LogGroup
from lib.networking.network import Network
from lib.networking.security_group import SecurityGroup
from lib.security.roles import ServiceRole
from lib.suppressions import suppress

RUNTIME = "python3.11"
# The actions of Lambda to attach a function to a VPC; they accept no resource.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
NETWORK_INTERFACE_ACTIONS = (
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"),
    "ec2:UnassignPrivateIpAddresses",
)


class Function(Construct):
    """Creates a Lambda function from a source folder, with its role and log group.

    The role may write logs and traces; `statements` and `grant` add permissions. With a `network`
    the function runs in the private subnets, in a security group without rules, and its own code
    cannot use the permissions with which Lambda attaches it to the network. `consume` makes a queue
    its event source.

    `memory_mb` is from 128 to 10240, `timeout_seconds` from 1 to 900; a `reserved_concurrency` of
    -1 reserves none. Raises `FileNotFoundError` if the source folder has no code.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        source: Path,
        handler: str,
        description: str,
        role_description: str | None = None,
        statements: Sequence[Statement] = (),
        environment: Mapping[str, str] | None = None,
        memory_mb: int = 512,
        timeout_seconds: int = 300,
        reserved_concurrency: int = -1,
        network: Network | None = None,
        security_group_kind: str | None = None,
        security_group_purpose: str | None = None,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._network = context, network
        self._name = context.name(kind)
        context.key.allow_via_service("lambda", create_grants=True)
        self.log_group = LogGroup(self, "Logs", context=context, path="/aws/lambda", kind=kind)
        self.role = ServiceRole(
            self,
            "Role",
            context=context,
            kind=f"{kind}-role",
            assumed_by="lambda",
            description=role_description or f"Permissions of the function {kind}",
        )
        self.role.grant(*self._base_statements(), *statements)
        self.security_group: SecurityGroup | None = None
        vpc_config = None
        if network:
            self.security_group = SecurityGroup(
                self,
                "SecurityGroup",
                context=context,
                vpc=network.vpc,
                kind=security_group_kind or f"{kind}-security-group",
                purpose=security_group_purpose or f"The function {kind}",
                # Lambda deletes its network interfaces with these permissions, long after the
                # function; the security group cannot be deleted before them.
                depends_on=self.role.permissions,
            )
            vpc_config = LambdaFunctionVpcConfig(
                subnet_ids=[subnet.id for subnet in network.private_subnets],
                security_group_ids=[self.security_group.id],
            )
        package = package_function(source)
        asset = TerraformAsset(
            self,
            "Package",
            path=str(package.path),
            type=AssetType.FILE,
            asset_hash=package.sha256,
        )
        self.function = LambdaFunction(
            self,
            "Resource",
            function_name=self._name,
            description=description,
            role=self.role.arn,
            runtime=RUNTIME,
            handler=handler,
            filename=asset.path,
            source_code_hash=package.source_code_hash,
            memory_size=memory_mb,
            timeout=timeout_seconds,
            reserved_concurrent_executions=reserved_concurrency,
            # Lambda stores neither of them for a function without variables, and each plan would
            # set them again.
            kms_key_arn=context.key.arn if environment else None,
            environment=LambdaFunctionEnvironment(variables={**environment})
            if environment
            else None,
            vpc_config=vpc_config,
            logging_config=LambdaFunctionLoggingConfig(
                log_format="Text", log_group=self.log_group.name
            ),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            tags=context.name_tag(kind),
            depends_on=[*self.role.permissions, *depends_on],
        )
        self._reserves_concurrency = reserved_concurrency >= 0
        self._suppress_checks()

    def grant(self, *statements: Statement) -> None:
        """Add statements to the policy of the function's role."""
        self.role.grant(*statements)

    def consume(
        self,
        queue: Queue,
        *,
        kind: str = "event-source",
        enabled: bool = True,
        batch_size: int = 10,
        batching_window_seconds: int = 0,
        maximum_concurrency: int = 2,
    ) -> LambdaEventSourceMapping:
        """Invoke the function with batches of messages from a queue.

        The function reports failed messages (`ReportBatchItemFailures`); only those are received
        again. `maximum_concurrency` limits concurrent batches: reserved concurrency alone lets
        Lambda receive more messages than it can process.
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
        """
        # Lambda polls the queue with the role of the function.
        self.grant(
            Statement(
                sid="ConsumeQueue",
                actions=(
                    *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                    "sqs:ChangeMessageVisibility",
                ),
                resources=(queue.arn,),
            ),
        )
        self._suppress_checks_of_consumer()
        return LambdaEventSourceMapping(
            self,
            "Source",
            event_source_arn=queue.arn,
            function_name=self.function.arn,
            enabled=enabled,
            batch_size=batch_size,
            maximum_batching_window_in_seconds=batching_window_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=LambdaEventSourceMappingScalingConfig(
                maximum_concurrency=maximum_concurrency
            ),
            tags=self._context.name_tag(kind),
        )

    def _base_statements(self) -> list[Statement]:
        statements = [
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"{self.log_group.arn}:*",),
            ),
            # X-Ray actions accept no resource.
            Statement(
                sid="SendTraces", actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords")
            ),
        ]
        if self._network:
            function_arn = self._context.account.arn("lambda", f"function:{self._name}")
            statements += [
                Statement(sid="AttachToNetwork", actions=NETWORK_INTERFACE_ACTIONS),
                # The role serves Lambda and the code of the function, which must not attach it.
                Statement(
                    sid="DenyNetworkToCode",
                    effect="Deny",
                    actions=NETWORK_INTERFACE_ACTIONS,
                    conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
                ),
            ]
        return statements

    def _suppress_checks(self) -> None:
        reasons = {
            "CKV_AWS_272": "The package is built and hashed at synthesis from this repository"
        }
        if self._network is None:
            reasons["CKV_AWS_117"] = "The function uses no resource inside a VPC"
        suppress(self.function, since="2026-11", reasons=reasons)

    def _suppress_checks_of_consumer(self) -> None:
        reasons = {
            "CKV_AWS_116": "The queue has a dead-letter queue; that of a function is for"
            " asynchronous invocations"
        }
        if not self._reserves_concurrency:
            reasons["CKV_AWS_115"] = "The event source mapping limits the concurrency"
        suppress(self.function, since="2026-11", reasons=reasons)
