"""The second emulator: its additions, its database, and the end of its processes.

`make cross-check` applies the stack to it; these tests start it without Terraform.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tools.cross_check.account import PYTHON, Ministack
from tools.cross_check.database import ClusterDatabase
from tools.cross_check.sockets import listeners

# Calls the endpoint of the cluster as the function does.
CLIENT = """
import os, socket, ssl, struct
import boto3
def handler(event, context):
    token = boto3.client("rds").generate_db_auth_token(
        DBHostname=event["host"], Port=event["port"], DBUsername="tap_reader"
    )
    plain = socket.create_connection((event["host"], event["port"]), 5)
    plain.sendall(struct.pack("!ii", 8, 80877103))
    assert plain.recv(1) == b"S"
    trusted = ssl.create_default_context(cafile=os.environ["DATABASE_CA_BUNDLE"])
    secured = trusted.wrap_socket(plain, server_hostname=event["host"])
    subject = str(secured.getpeercert()["subject"])
    return {"version": secured.version(), "subject": subject, "token": token}
"""


class Account(NamedTuple):
    ministack: Ministack
    database: ClusterDatabase
    endpoint: str


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with a database cluster."""
    if not PYTHON.is_file():
        pytest.fail("ministack is not installed; run `make integration`")
    folder = tmp_path_factory.mktemp("ministack")
    with (
        ClusterDatabase(folder) as database,
        Ministack(folder, variables=database.variables, on_cluster=database.create) as ministack,
    ):
        created = ministack.client("rds").create_db_cluster(
            DBClusterIdentifier="cluster",
            Engine="aurora-postgresql",
            MasterUsername="tap_master",
            MasterUserPassword="a-password-of-the-test",
            DatabaseName="tap",
            EnableIAMDatabaseAuthentication=True,
        )
        until = time.monotonic() + 60
        while database.server is None and time.monotonic() < until:
            time.sleep(0.1)
        yield Account(ministack, database, created["DBCluster"]["Endpoint"])


def test_a_cluster_starts_postgresql_with_its_name_user_and_database(account: Account) -> None:
    server = account.database.require_server()
    assert server.host == account.endpoint
    assert account.endpoint.endswith(".us-east-1.rds.amazonaws.com")
    owner = (
        "SELECT rolname FROM pg_database d JOIN pg_roles r ON r.oid = datdba WHERE datname = 'tap'"
    )
    assert server.query(owner) == [("tap_master",)]
    assert server.password == "a-password-of-the-test"


def test_a_function_verifies_the_name_of_the_cluster_and_signs_tokens(
    account: Account, tmp_path: Path
) -> None:
    iam, functions = (account.ministack.client(name) for name in ("iam", "lambda"))
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [trust | {"Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="client", AssumeRolePolicyDocument=json.dumps(document))
    functions.create_function(
        FunctionName="client",
        Runtime="python3.11",
        Role=role["Role"]["Arn"],
        Handler="client.handler",
        Timeout=60,
        Code={"ZipFile": _zip(tmp_path)},
    )
    answer = functions.invoke(
        FunctionName="client", Payload=json.dumps({"host": account.endpoint, "port": 5432})
    )
    result = json.loads(answer["Payload"].read())
    assert result["version"].startswith("TLS")
    assert account.endpoint in result["subject"]
    reject = account.ministack.token_rejection
    assert reject("cluster", "tap_reader", result["token"]).startswith("rds-db:connect: ")
    (cluster,) = account.ministack.client("rds").describe_db_clusters()["DBClusters"]
    arn = f"arn:aws:rds-db:*:*:dbuser:{cluster['DbClusterResourceId']}/tap_reader"
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(
        RoleName="client", PolicyName="connect", PolicyDocument=json.dumps(document)
    )
    assert reject("cluster", "tap_reader", result["token"]) == ""


def _zip(folder: Path) -> bytes:
    import zipfile

    file = folder / "client.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("client.py", CLIENT)
    return file.read_bytes()


def test_a_token_requires_permission_to_connect_as_its_user(account: Account) -> None:
    ministack, user = account.ministack, "tap_processor"
    assert ministack.token_rejection("cluster", user, "no-token") == "InvalidToken"
    iam = ministack.client("iam")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    keys = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    token = ministack.client("rds", keys=keys).generate_db_auth_token(
        DBHostname=account.endpoint, Port=5432, DBUsername=user
    )
    assert ministack.token_rejection("cluster", user, token).startswith("rds-db:connect: ")
    (cluster,) = ministack.client("rds").describe_db_clusters()["DBClusters"]
    arn = f"arn:aws:rds-db:us-east-1:123456789012:dbuser:{cluster['DbClusterResourceId']}/{user}"
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="connect", PolicyDocument=policy)
    assert ministack.token_rejection("cluster", user, token) == ""
    assert ministack.token_rejection("cluster", "tap_reader", token) == "InvalidToken"


def test_events_of_aws_services_require_the_header(account: Account) -> None:
    entry = {"Source": "aws.guardduty", "DetailType": "GuardDuty Finding", "Detail": "{}"}

    def failed(client: Any) -> int:
        return int(client.put_events(Entries=[entry])["FailedEntryCount"])

    assert failed(account.ministack.client("events")) == 1
    assert failed(account.ministack.client("events", as_service="guardduty")) == 0


def test_config_rules_have_tags(account: Account) -> None:
    config = account.ministack.client("config")
    rule = {
        "ConfigRuleName": "one",
        "Source": {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"},
    }
    tags = [{"Key": "Name", "Value": "one"}]
    config.put_config_rule(ConfigRule=rule, Tags=tags)
    (created,) = config.describe_config_rules()["ConfigRules"]
    arn = created["ConfigRuleArn"]
    assert config.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
    config.tag_resource(ResourceArn=arn, Tags=[{"Key": "Owner", "Value": "two"}])
    config.untag_resource(ResourceArn=arn, TagKeys=["Name"])
    expected = [{"Key": "Owner", "Value": "two"}]
    assert config.list_tags_for_resource(ResourceArn=arn)["Tags"] == expected


def test_a_user_without_a_policy_is_denied(account: Account) -> None:
    iam = account.ministack.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    keys = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    with pytest.raises(ClientError, match="not authorized to perform"):
        account.ministack.client("sqs", keys=keys).list_queues()


def test_it_listens_on_the_loopback_interface_and_ends_with_its_functions(
    account: Account, tmp_path: Path
) -> None:
    with Ministack(tmp_path, variables={}, on_cluster=lambda *_: None) as other:
        process = other.process_id
        (address,) = listeners(process)
        assert address == f"127.0.0.1:{other.port}"
    assert listeners(process) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process, 0)
    assert listeners(account.ministack.process_id) != []
