"""Constraints that depend on other resources of the account, one row each.

A function returns the member's path, the value received and the constraint, or None. It runs in the
context of the Flask request, so that ``authorization`` can read the caller.
"""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import request as flask_request
from moto.awslambda.models import lambda_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.sqs.models import sqs_backends

from lib.aws_constraints import ENGINE_MAJOR_VERSION_ENDS, ENGINE_VERSION_ENDS
from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.authorization import condition_context, credential_scope, current_caller
from tools.emulator.event_notifications import may_notify_queue
from tools.emulator.validation.requests import ApiRequest
from tools.emulator.validation.shapes import Violation, shown

# The default quotas of an account, in concurrent executions of Lambda functions.
_CONCURRENCY_LIMIT = 1000
_UNRESERVED_MINIMUM = 100

Problem = tuple[str, Any, str]
"""Path of the member, value received and constraint."""


@dataclass(frozen=True)
class AccountConstraint:
    """A constraint on a member of an operation, its error code and its source."""

    service: str
    operation: str
    problem: Callable[[ApiRequest], Problem | None]
    code: str
    source: str
    status: int = 400


def _account_and_region() -> tuple[str, str]:
    # moto reads this header too: a request of a test on behalf of another account.
    account = flask_request.headers.get("x-moto-account-id") or current_caller().account
    return account, credential_scope().region


# ---- Lambda -------------------------------------------------------------------------------------


def _function(identifier: str) -> Any:
    """Return a function by its name or ARN; None if it does not exist."""
    account, region = _account_and_region()
    name = identifier.split(":function:")[-1].split(":")[0]
    for function in lambda_backends[account][region].list_functions():
        if function.function_name == name:
            return function
    return None


def unreserved_concurrency(request: ApiRequest) -> Problem | None:
    """Require 100 unreserved concurrent executions in the account."""
    account, region = _account_and_region()
    name = str(request.values["FunctionName"]).split(":function:")[-1]
    others = sum(
        int(one.reserved_concurrency or 0)
        for one in lambda_backends[account][region].list_functions()
        if one.function_name != name
    )
    received = int(request.values["ReservedConcurrentExecutions"])
    available = _CONCURRENCY_LIMIT - _UNRESERVED_MINIMUM - others
    if received <= available:
        return None
    return (
        "ReservedConcurrentExecutions",
        received,
        f"Member must be at most {available}: the account has {_CONCURRENCY_LIMIT} concurrent"
        f" executions, {others} are reserved for other functions and {_UNRESERVED_MINIMUM} must"
        " remain unreserved",
    )


def visibility_timeout(request: ApiRequest) -> Problem | None:
    """Require a visibility timeout of the queue that is not shorter than the function's timeout."""
    source = str(request.values.get("EventSourceArn", ""))
    if ":sqs:" not in source:
        return None
    _, _, _, region, account, name = source.split(":")
    queue: Any = sqs_backends[account][region].queues.get(name)
    function = _function(str(request.values["FunctionName"]))
    if queue is None or function is None:
        return None
    visibility, timeout = int(queue.visibility_timeout), int(function.timeout)
    if visibility >= timeout:
        return None
    return (
        "EventSourceArn",
        source,
        f"Queue visibility timeout: {visibility} seconds is less than Function timeout:"
        f" {timeout} seconds",
    )


# ---- S3 -----------------------------------------------------------------------------------------


def notification_queue(request: ApiRequest) -> Problem | None:
    """Require that the policies of a queue and of its KMS key allow notifications of the bucket."""
    account, _ = _account_and_region()
    configuration = request.values["NotificationConfiguration"]
    for number, one in enumerate(configuration.get("QueueConfigurations", [])):
        if not may_notify_queue(account, request.values["Bucket"], one["QueueArn"]):
            return (
                f"NotificationConfiguration.QueueConfigurations[{number}].QueueArn",
                one["QueueArn"],
                "Unable to validate the following destination configurations: the policies of the"
                " queue and of its key must allow s3.amazonaws.com to send messages",
            )
    return None


# ---- EC2 ----------------------------------------------------------------------------------------


def peering_options(request: ApiRequest) -> Problem | None:
    """Require an active connection, and the owner and Region of the side that is changed."""
    account, region = _account_and_region()
    identifier = request.values["VpcPeeringConnectionId"]
    connection: Any = ec2_backends[account][region].vpc_pcxs.get(identifier)
    if connection is None:
        return None
    status = connection.status["Code"]
    if status != "active":
        return (
            "VpcPeeringConnectionId",
            identifier,
            f"Peering options can be added only to active peerings; the status is {status}",
        )
    sides = {
        "RequesterPeeringConnectionOptions": connection.vpc,
        "AccepterPeeringConnectionOptions": connection.peer_vpc,
    }
    for member, vpc in sides.items():
        if member in request.values and (account, region) != (vpc.owner_id, vpc.region):
            return (
                member,
                request.values[member],
                f"Options of this side can be changed only by account {vpc.owner_id} in Region"
                f" {vpc.region}, not by account {account} in Region {region}",
            )
    return None


# ---- RDS ----------------------------------------------------------------------------------------


def today() -> datetime.date:
    """Return the date with which the ends of support are compared."""
    return datetime.datetime.now(datetime.UTC).date()


def engine_version(request: ApiRequest) -> Problem | None:
    """Require an engine version in standard support, or a major version in Extended Support."""
    engine = str(request.values.get("Engine", ""))
    version = str(request.values.get("EngineVersion", ""))
    if "DBClusterIdentifier" in request.values and request.operation == "CreateDBInstance":
        return None  # An instance has the version of its cluster.
    end = ENGINE_VERSION_ENDS.get(engine, {}).get(version)
    if end is not None and end < today():
        return (
            "EngineVersion",
            version,
            f"Cannot find version {version} for {engine}: its support ended on {end}",
        )
    end = ENGINE_MAJOR_VERSION_ENDS.get(engine, {}).get(version.split(".")[0])
    extended = request.values.get("EngineLifecycleSupport") != (
        "open-source-rds-extended-support-disabled"
    )
    if end is not None and end < today() and not extended:
        return (
            "EngineVersion",
            version,
            f"Cannot find version {version} for {engine}: its standard support ended on {end} and"
            " EngineLifecycleSupport disables Extended Support",
        )
    return None


# ---- STS ----------------------------------------------------------------------------------------


def trust_policy(request: ApiRequest) -> Problem | None:
    """Require a role that exists and whose trust policy allows the caller.

    The condition key ``aws:PrincipalServiceName`` of ``Emulator.client(condition_keys=...)`` makes
    an AWS service the caller.
    """
    arn = str(request.values["RoleArn"])
    roles = iam_backends[arn.split(":")[4]]["aws"].roles.values()
    role: Any = next((one for one in roles if one.arn == arn), None)
    caller = current_caller()
    context = condition_context(caller)
    if "ExternalId" in request.values:
        context["sts:ExternalId"] = str(request.values["ExternalId"])
    if "RoleSessionName" in request.values:
        context["sts:RoleSessionName"] = str(request.values["RoleSessionName"])
    principal = context.get("aws:PrincipalServiceName", caller.principal)
    api_request = Request("sts:AssumeRole", arn, str(principal), context)
    if role is not None:
        document = role.assume_role_policy_document
        if evaluate([document], api_request) is Decision.ALLOW:
            return None
    reason = "its trust policy does not allow it" if role is not None else "the role does not exist"
    return (
        "RoleArn",
        arn,
        f"User: {principal} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        f" ({reason})",
    )


_RDS_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"

ACCOUNT_CONSTRAINTS: tuple[AccountConstraint, ...] = (
    AccountConstraint(
        "lambda",
        "PutFunctionConcurrency",
        unreserved_concurrency,
        "InvalidParameterValueException",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    ),
    AccountConstraint(
        "lambda",
        "CreateEventSourceMapping",
        visibility_timeout,
        "InvalidParameterValueException",
        "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    ),
    AccountConstraint(
        "s3",
        "PutBucketNotificationConfiguration",
        notification_queue,
        "InvalidArgument",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
        "grant-destinations-permissions-to-s3.html",
    ),
    AccountConstraint(
        "ec2",
        "ModifyVpcPeeringConnectionOptions",
        peering_options,
        "OperationNotPermitted",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
        "API_ModifyVpcPeeringConnectionOptions.html",
    ),
    AccountConstraint(
        "rds",
        "CreateDBCluster",
        engine_version,
        "InvalidParameterCombination",
        f"{_RDS_API}/API_CreateDBCluster.html",
    ),
    AccountConstraint(
        "rds",
        "CreateDBInstance",
        engine_version,
        "InvalidParameterCombination",
        f"{_RDS_API}/API_CreateDBInstance.html",
    ),
    AccountConstraint(
        "sts",
        "AssumeRole",
        trust_policy,
        "AccessDenied",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
        status=403,
    ),
)


def violations(request: ApiRequest) -> Iterator[Violation]:
    """Yield the violations of the constraints that other resources impose on a request."""
    for row in ACCOUNT_CONSTRAINTS:
        if (row.service, row.operation) == (request.service, request.operation):
            problem = row.problem(request)
            if problem is not None:
                path, value, constraint = problem
                yield Violation(path, shown(value), constraint, "account", row.code, row.status)
