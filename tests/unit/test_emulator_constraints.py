"""The emulator enforces constraints that botocore's models lack, one test for each row."""

from __future__ import annotations

import datetime
import json
from importlib import import_module
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lib.aws_constraints import TEXT_CONSTRAINTS, TextConstraint
from tests.support.in_process_emulator import client, load_application

ACCOUNT_ID = "123456789012"
REPORTED = "The API's requests to the application"
_RULE_OPERATIONS = (
    *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
    *("UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress"),
)
# Name of the row, service, operation, member, rejected texts.
MEMBERS = [
    ("security group name", "ec2", "CreateSecurityGroup", "GroupName", ("sg-1", "a'b", "")),
    ("security group description", "ec2", "CreateSecurityGroup", "Description", ("a'b", "")),
    *(
        (
            "security group rule description",
            "ec2",
            operation,
            f"IpPermissions[].{block}[].Description",
            (REPORTED, "x" * 256),
        )
        for operation in _RULE_OPERATIONS
        for block in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
    ),
    *(
        (
            "security group rule description",
            "ec2",
            operation,
            "SecurityGroupRuleDescriptions[].Description",
            (REPORTED,),
        )
        for operation in _RULE_OPERATIONS[2:]
    ),
    (
        "security group rule description",
        "ec2",
        "ModifySecurityGroupRules",
        "SecurityGroupRules[].SecurityGroupRule.Description",
        (REPORTED,),
    ),
    (
        "load balancer name",
        "elbv2",
        "CreateLoadBalancer",
        "Name",
        ("internal-a", "a_b", "-a", "a-", "x" * 33),
    ),
    ("target group name", "elbv2", "CreateTargetGroup", "Name", ("a_b", "-a", "a-", "x" * 33)),
    (
        "database identifier",
        "rds",
        "CreateDBCluster",
        "DBClusterIdentifier",
        ("1a", "a--b", "a-", "x" * 64),
    ),
    ("database identifier", "rds", "CreateDBInstance", "DBInstanceIdentifier", ("1a", "a_b")),
    (
        "bucket name",
        "s3",
        "CreateBucket",
        "Bucket",
        ("aB", "ab", "a..b", "a.-b-", "192.168.0.1", "xn--a", "abc-s3alias", "x" * 64),
    ),
    ("queue name", "sqs", "CreateQueue", "QueueName", ("a b", "a.b", "x" * 81)),
    ("topic name", "sns", "CreateTopic", "Name", ("a b", "a.b", "x" * 257)),
]
ACCEPTED = {
    "security group name": ("web-dev", "a b"),
    "security group description": ("Instances: HTTP/HTTPS (v1), #2; a+b=c & [d] {e}! $*",),
    "security group rule description": ("", "Requests of the API to the application"),
    "load balancer name": ("web-alb-dev", "a", "x" * 32),
    "target group name": ("internal-a", "x" * 32),
    "database identifier": ("aurora-dev", "a", "x" * 63),
    "bucket name": ("data-dev-123456789012", "a.b", "x" * 63),
    "queue name": ("queue-dev", "a_b.fifo", "x" * 80),
    "topic name": ("topic-dev", "a_b.fifo"),
}


def nest(path: str, value: Any) -> Any:
    """A document whose member at a path has a value: ``A[].B`` gives ``{"A": [{"B": value}]}``."""
    part, _, rest = path.partition(".")
    inner = nest(rest, value) if rest else value
    return {part.removesuffix("[]"): [inner]} if part.endswith("[]") else {part: inner}


def violations(service: str, operation: str, member: str, text: str) -> list[Any]:
    members = import_module("tools.emulator.validation.members")
    requests = import_module("tools.emulator.validation.requests")
    request = requests.ApiRequest(service, operation, None, nest(member, text))
    return list(members.violations(request))


@pytest.mark.parametrize(
    ("name", "service", "operation", "member", "texts"),
    MEMBERS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_that_aws_rejects_is_a_violation(
    name: str, service: str, operation: str, member: str, texts: tuple[str, ...]
) -> None:
    for text in texts:
        (found,) = violations(service, operation, member, text)
        assert found.path == member.replace("[]", "[0]")
        assert name in found.constraint
        assert "https://docs.aws.amazon.com/" in found.constraint
    for text in ACCEPTED[name]:
        assert violations(service, operation, member, text) == []


def test_every_member_of_the_table_has_a_test() -> None:
    table = {
        (row.name, *member)
        for row in TEXT_CONSTRAINTS
        for member in row.members
        if not row.in_model
    }
    assert table == {row[:4] for row in MEMBERS}


def member_shape(service: str, operation: str, member: str) -> Any:
    model = import_module("moto.core.utils").get_service_model(service)
    shape = model.operation_model(operation).input_shape
    for part in member.split("."):
        shape = shape.members[part.removesuffix("[]")]
        shape = shape.member if part.endswith("[]") else shape
    return shape


@pytest.mark.parametrize("row", TEXT_CONSTRAINTS, ids=lambda row: row.name)
def test_members_and_operations_of_the_table_exist_in_the_model(row: TextConstraint) -> None:
    for member in row.members:
        assert member_shape(*member).type_name == "string"
    assert {operation for *_, operation in row.arguments} <= {one[1] for one in row.members}


@pytest.mark.parametrize(
    "row", [row for row in TEXT_CONSTRAINTS if row.in_model], ids=lambda row: row.name
)
def test_constraint_for_synthesis_equals_that_of_the_model(row: TextConstraint) -> None:
    for member in row.members:
        shape = member_shape(*member)
        assert shape.metadata.get("min", 0) == row.minimum
        assert shape.metadata["max"] == row.maximum
        pattern = shape.metadata.get("pattern", r"(?s:.*)")
        # Patterns for any text.
        assert pattern.replace("[\\s\\S]*", r"(?s:.*)") == row.pattern


# ---- the account --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def application() -> Any:
    """The WSGI application; it imports moto for seconds, so that only these tests import it."""
    return load_application()


def rejected(call: Any, **arguments: Any) -> tuple[str, str]:
    """Call an API operation that must fail, and return the error code and the message."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    received = caught.value.response["Error"]
    return received["Code"], received["Message"]


def trust(**principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create_role(application: Any, name: str, document: str) -> str:
    iam = client(application, "iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    return str(role["Arn"])


def create_function(application: Any, name: str, **arguments: Any) -> Any:
    role = create_role(application, f"{name}-role", trust(Service="lambda.amazonaws.com"))
    client(application, "lambda").create_function(
        FunctionName=name,
        Role=role,
        Code={"ZipFile": b"zip"},
        Runtime="python3.11",
        Handler="main.handler",
        **arguments,
    )


def test_reported_security_group_rule_description_is_rejected(application: Any) -> None:
    ec2 = client(application, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "UserIdGroupPairs": [{"GroupId": group, "Description": REPORTED}],
    }
    code, message = rejected(
        ec2.authorize_security_group_egress, GroupId=group, IpPermissions=[permission]
    )
    assert code == "InvalidParameterValue"
    assert message.startswith(
        "ec2.AuthorizeSecurityGroupEgress: 1 validation error detected: Value"
        f" '{REPORTED}' at 'IpPermissions[0].UserIdGroupPairs[0].Description' failed to satisfy"
        " constraint: Member must be a security group rule description of letters, digits, spaces"
        " and ._-:/()#,@[]+=&;{}!$*"
    )


def test_reserved_concurrency_leaves_100_unreserved_executions(application: Any) -> None:
    function = client(application, "lambda")
    for name, reserved in (("first", 500), ("second", 400)):
        create_function(application, name)
        function.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    code, message = rejected(
        function.put_function_concurrency, FunctionName="second", ReservedConcurrentExecutions=401
    )
    assert code == "InvalidParameterValueException"
    assert "Value '401' at 'ReservedConcurrentExecutions'" in message
    assert "at most 400" in message
    # The ARN and a lower value are accepted.
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:second"
    function.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)


def test_event_source_mapping_requires_visibility_timeout_of_the_function_timeout(
    application: Any,
) -> None:
    create_function(application, "consumer", Timeout=60)
    sqs = client(application, "sqs")
    url = sqs.create_queue(QueueName="short", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    arguments = {
        "EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:short",
        "FunctionName": "consumer",
    }
    function = client(application, "lambda")
    code, message = rejected(function.create_event_source_mapping, **arguments)
    assert code == "InvalidParameterValueException"
    assert "Queue visibility timeout: 30 seconds is less than Function timeout: 60" in message
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    function.create_event_source_mapping(**arguments)


def test_notification_requires_queue_policy_that_allows_s3(application: Any) -> None:
    s3, sqs = client(application, "s3"), client(application, "sqs")
    s3.create_bucket(Bucket="notifying-bucket")
    url = sqs.create_queue(QueueName="notified")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:notified"
    arguments = {
        "Bucket": "notifying-bucket",
        "NotificationConfiguration": {
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    }
    code, message = rejected(s3.put_bucket_notification_configuration, **arguments)
    assert code == "InvalidArgument"
    assert "at 'NotificationConfiguration.QueueConfigurations[0].QueueArn'" in message
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    s3.put_bucket_notification_configuration(**arguments)


def test_existing_log_group_cannot_be_created(application: Any) -> None:
    logs = client(application, "logs")
    logs.create_log_group(logGroupName="/existing")
    code, _ = rejected(logs.create_log_group, logGroupName="/existing")
    assert code == "ResourceAlreadyExistsException"


def test_region_has_one_configuration_recorder(application: Any) -> None:
    config = client(application, "config")
    recorder = {"name": "one", "roleARN": f"arn:aws:iam::{ACCOUNT_ID}:role/config"}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    code, _ = rejected(
        config.put_configuration_recorder, ConfigurationRecorder=recorder | {"name": "two"}
    )
    assert code == "MaxNumberOfConfigurationRecordersExceededException"


# ---- VPC peering --------------------------------------------------------------------------------

OPTIONS = {"AllowDnsResolutionFromRemoteVpc": True}


def peering(application: Any, peer_region: str) -> tuple[Any, Any, str]:
    """Clients of both Regions, and a connection that is not accepted."""
    here, there = client(application, "ec2"), client(application, "ec2", region=peer_region)
    vpc = here.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    peer = there.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    connection = here.create_vpc_peering_connection(
        VpcId=vpc, PeerVpcId=peer, PeerRegion=peer_region
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    return here, there, str(connection)


def test_peering_options_require_an_active_connection(application: Any) -> None:
    here, there, connection = peering(application, "eu-west-1")
    arguments = {
        "VpcPeeringConnectionId": connection,
        "RequesterPeeringConnectionOptions": OPTIONS,
    }
    code, message = rejected(here.modify_vpc_peering_connection_options, **arguments)
    assert code == "OperationNotPermitted"
    assert "can be added only to active peerings; the status is pending-acceptance" in message
    there.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    here.modify_vpc_peering_connection_options(**arguments)


def test_peering_options_are_changed_by_their_own_side(application: Any) -> None:
    here, there, connection = peering(application, "eu-west-1")
    there.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    arguments = {
        "VpcPeeringConnectionId": connection,
        "AccepterPeeringConnectionOptions": OPTIONS,
    }
    code, message = rejected(here.modify_vpc_peering_connection_options, **arguments)
    assert code == "OperationNotPermitted"
    assert "at 'AccepterPeeringConnectionOptions'" in message
    assert "Region eu-west-1, not by account" in message
    there.modify_vpc_peering_connection_options(**arguments)


# ---- engine versions ----------------------------------------------------------------------------


def create_cluster(application: Any, identifier: str, version: str, **more: str) -> None:
    client(application, "rds").create_db_cluster(
        DBClusterIdentifier=identifier,
        Engine="aurora-postgresql",
        EngineVersion=version,
        MasterUsername="owner",
        MasterUserPassword="long-password",
        **more,
    )


def test_engine_version_past_its_end_of_support_is_rejected(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = import_module("tools.emulator.validation.account")
    monkeypatch.setattr(account, "today", lambda: datetime.date(2026, 12, 31))
    create_cluster(application, "last-day", "16.9")
    monkeypatch.setattr(account, "today", lambda: datetime.date(2027, 1, 1))
    code, message = rejected(
        create_cluster, application=application, identifier="late", version="16.9"
    )
    assert code == "InvalidParameterCombination"
    assert "Value '16.9' at 'EngineVersion'" in message
    assert "Cannot find version 16.9 for aurora-postgresql: its support ended on 2026-12-31" in (
        message
    )
    create_cluster(application, "supported", "16.10")


def test_major_version_past_its_end_of_support_requires_extended_support(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = import_module("tools.emulator.validation.account")
    monkeypatch.setattr(account, "today", lambda: datetime.date(2026, 3, 1))
    create_cluster(application, "extended", "13.20")
    rds = client(application, "rds")
    disabled = "open-source-rds-extended-support-disabled"
    code, message = rejected(
        rds.create_db_instance,
        DBInstanceIdentifier="standard",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        EngineVersion="13.20",
        EngineLifecycleSupport=disabled,
    )
    assert code == "InvalidParameterCombination"
    assert "EngineLifecycleSupport disables Extended Support" in message


# ---- trust policies -----------------------------------------------------------------------------


def assume(application: Any, arn: str, **context: str) -> Any:
    headers = {"X-Emulator-Context": json.dumps(context)}
    sts = client(application, "sts", headers=headers)
    return sts.assume_role(RoleArn=arn, RoleSessionName="test")


def test_role_that_does_not_exist_cannot_be_assumed(application: Any) -> None:
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/absent"
    code, message = rejected(assume, application=application, arn=arn)
    assert code == "AccessDenied"
    assert f"sts.AssumeRole: 1 validation error detected: Value '{arn}' at 'RoleArn'" in message
    assert "the role does not exist" in message


def test_trust_policy_must_allow_the_caller(application: Any) -> None:
    service_role = create_role(application, "of-service", trust(Service="ec2.amazonaws.com"))
    code, message = rejected(assume, application=application, arn=service_role)
    assert code == "AccessDenied"
    assert "its trust policy does not allow it" in message
    other = create_role(application, "of-other", trust(AWS="arn:aws:iam::210987654321:root"))
    assert rejected(assume, application=application, arn=other)[0] == "AccessDenied"
    own = create_role(application, "of-account", trust(AWS=f"arn:aws:iam::{ACCOUNT_ID}:root"))
    assert assume(application, own)["Credentials"]["AccessKeyId"]


def test_service_in_the_trust_policy_assumes_its_role(application: Any) -> None:
    arn = create_role(application, "of-lambda", trust(Service="lambda.amazonaws.com"))
    keys = {"aws:PrincipalServiceName": "lambda.amazonaws.com"}
    assert assume(application, arn, **keys)["Credentials"]["AccessKeyId"]
    keys = {"aws:PrincipalServiceName": "ec2.amazonaws.com"}
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(application, arn, **keys)


def test_external_id_of_the_trust_policy_is_required(application: Any) -> None:
    document = json.loads(trust(AWS=f"arn:aws:iam::{ACCOUNT_ID}:root"))
    document["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "secret"}}
    arn = create_role(application, "of-partner", json.dumps(document))
    sts = client(application, "sts")
    arguments = {"RoleArn": arn, "RoleSessionName": "test"}
    assert rejected(sts.assume_role, **arguments)[0] == "AccessDenied"
    assert sts.assume_role(**arguments, ExternalId="secret")["Credentials"]["AccessKeyId"]


def test_every_account_constraint_has_a_source() -> None:
    account = import_module("tools.emulator.validation.account")
    for row in account.ACCOUNT_CONSTRAINTS:
        assert row.source.startswith("https://docs.aws.amazon.com/")
    rows = {(row.service, row.operation) for row in account.ACCOUNT_CONSTRAINTS}
    assert len(rows) == len(account.ACCOUNT_CONSTRAINTS)
