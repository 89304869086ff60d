"""The emulator itself: what it cannot do, and where it follows AWS and moto does not."""

from __future__ import annotations

import io
import re
import time
import urllib.request
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulated import allow, role
from tools.emulator import ACCOUNT_ID, Emulator, EmulatorError, inventory
from tools.local.placeholders import hosted_zone


@pytest.fixture(scope="module")
def mine(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


# ---- calls it cannot answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "name"),
    [
        pytest.param("ec2", "describe_ipam_byoasn", {}, "ec2.DescribeIpamByoasn", id="ec2"),
        pytest.param(
            "iam",
            "generate_service_last_accessed_details",
            {"Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/anyone"},
            "iam.GenerateServiceLastAccessedDetails",
            id="query",
        ),
        pytest.param(
            "sqs",
            "list_message_move_tasks",
            {"SourceArn": "arn:aws:sqs:us-east-1:123456789012:queue"},
            "sqs.ListMessageMoveTasks",
            id="json",
        ),
        pytest.param(
            "guardduty",
            "list_coverage",
            {"DetectorId": "one"},
            "guardduty POST /detector/one/coverage",
            id="rest-json",
        ),
        pytest.param(
            "accessanalyzer", "list_analyzers", {}, "access-analyzer GET /analyzer", id="service"
        ),
    ],
)
def test_a_call_that_moto_does_not_know_fails_at_once_with_its_name(
    mine: Emulator, service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    client = mine.client(service)
    started = time.monotonic()
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert name in caught.value.response["Error"]["Message"]
    assert time.monotonic() - started < 5


# ---- its process --------------------------------------------------------------------------------


def test_a_taken_port_is_told_with_what_to_do(mine: Emulator) -> None:
    with pytest.raises(EmulatorError, match=f"port {mine.port} .* is taken.*LOCAL_PORT"):
        Emulator(port=mine.port).start()


def test_nothing_answers_after_it_was_stopped() -> None:
    with Emulator() as emulator:
        client = emulator.client("sts")
        assert client.get_caller_identity()["Account"] == ACCOUNT_ID
    with pytest.raises(Exception, match="Could not connect"):
        client.get_caller_identity()


# ---- what is left -------------------------------------------------------------------------------


def test_a_new_account_holds_nothing_and_leftovers_are_named() -> None:
    with Emulator() as emulator:
        assert inventory(emulator.endpoint) == []
        emulator.client("s3").create_bucket(Bucket="forgotten")
        emulator.client("logs").create_log_group(logGroupName="/forgotten")
        vpc = emulator.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        key = emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
        secret = emulator.client("secretsmanager").create_secret(Name="forgotten")["ARN"]
        role(emulator, "forgotten", allow(["s3:GetObject"], "*"))
        assert inventory(emulator.endpoint) == [
            f"ec2 vpcs {vpc}",
            "iam roles forgotten",
            f"kms keys {key}",
            "logs log_groups /forgotten",
            "s3 buckets forgotten",
            "secretsmanager secrets forgotten",
        ]
        # Scheduled is as gone as AWS lets keys and secrets be.
        emulator.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        emulator.client("secretsmanager").delete_secret(SecretId=secret, RecoveryWindowInDays=7)
        names = [line.split()[0] for line in inventory(emulator.endpoint)]
        assert names == ["ec2", "iam", "logs", "s3"]


def test_what_is_left_in_another_region_is_named_with_it() -> None:
    with Emulator() as emulator:
        emulator.client("iam").create_user(UserName="forgotten")
        emulator.client("ec2", region="eu-west-1").create_key_pair(KeyName="forgotten")
        emulator.client("route53").create_hosted_zone(Name="example.test", CallerReference="1")
        wafv2 = emulator.client("wafv2")
        visibility = {
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": False,
            "MetricName": "m",
        }
        wafv2.create_web_acl(
            Name="forgotten",
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig=visibility,
        )
        emulator.client("apigateway").create_rest_api(name="forgotten")
        emulator.client("ssm").put_parameter(Name="/forgotten", Value="x", Type="String")
        emulator.client("acm").request_certificate(DomainName="app.example.test")
        emulator.client("ssm").get_parameter(
            Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        )  # AWS's own, in every account
        (certificate,) = emulator.client("acm").list_certificates()["CertificateSummaryList"]
        here = [
            f"acm certificates {certificate['CertificateArn']}",
            "apigateway rest_apis forgotten",
            "iam users forgotten",
            "route53 hosted_zones example.test.",
            "ssm parameters /forgotten",
            "wafv2 web_acls forgotten",
        ]
        assert inventory(emulator.endpoint) == here
        both = inventory(emulator.endpoint, "us-east-1", "eu-west-1")
        assert both == sorted([*here, "ec2 key_pairs forgotten in eu-west-1"])


# ---- gaps of moto that are closed ---------------------------------------------------------------


def test_hosted_zones_have_the_ids_that_settings_accept(mine: Emulator) -> None:
    with hosted_zone(mine, "zone.example.test") as zone_id:
        assert re.fullmatch(r"Z[A-Z0-9]{1,31}", zone_id)


def test_instances_of_a_cluster_are_individuals_and_keep_their_settings(mine: Emulator) -> None:
    rds = mine.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="pair",
        Engine="aurora-postgresql",
        EngineVersion="16.9",
        MasterUsername="master",
        MasterUserPassword="not a secret",
    )
    for name in ("pair-0", "pair-1"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier="pair",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId="arn:aws:kms:us-east-1:123456789012:key/one",
        )
    first, second = rds.describe_db_instances()["DBInstances"]
    assert first["DbiResourceId"] != second["DbiResourceId"]
    for instance in (first, second):
        assert instance["PerformanceInsightsEnabled"]
        assert instance["PerformanceInsightsKMSKeyId"].endswith("key/one")
        assert instance["PerformanceInsightsRetentionPeriod"] == 7
        assert instance["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    cluster = rds.describe_db_clusters()["DBClusters"][0]
    assert "ScalingConfigurationInfo" not in cluster


def test_parameters_that_were_set_come_from_the_user(mine: Emulator) -> None:
    rds = mine.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="one", DBParameterGroupFamily="aurora-postgresql16", Description="it"
    )
    parameter = {
        "ParameterName": "log_connections",
        "ParameterValue": "1",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="one", Parameters=[parameter])
    found = rds.describe_db_parameters(DBParameterGroupName="one", Source="user")["Parameters"]
    assert [one["Source"] for one in found] == ["user"]


def test_labels_of_a_secret_move_as_in_aws(mine: Emulator) -> None:
    secrets = mine.client("secretsmanager")
    arn = secrets.create_secret(Name="labelled")["ARN"]

    def put(value: str, *stages: str) -> str:
        extra = {"VersionStages": list(stages)} if stages else {}
        return secrets.put_secret_value(SecretId=arn, SecretString=value, **extra)["VersionId"]

    def stages() -> dict[str, set[str]]:
        listed = secrets.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
        return {one["VersionId"]: set(one["VersionStages"]) for one in listed}

    first = put("first", "AWSPENDING")
    assert stages() == {first: {"AWSPENDING", "AWSCURRENT"}}, "the first version is current too"
    second = put("second")
    assert stages() == {first: {"AWSPENDING", "AWSPREVIOUS"}, second: {"AWSCURRENT"}}
    third = put("third", "AWSPENDING")
    assert stages()[third] == {"AWSPENDING"}
    assert stages()[first] == {"AWSPREVIOUS"}
    by_both = secrets.get_secret_value(SecretId=arn, VersionId=third, VersionStage="AWSPENDING")
    assert by_both["SecretString"] == "third"
    secrets.update_secret_version_stage(
        SecretId=arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=third,
        RemoveFromVersionId=second,
    )
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "third"


def test_flow_logs_keep_their_options_and_may_go_to_a_folder(mine: Emulator) -> None:
    mine.client("s3").create_bucket(Bucket="flows")
    ec2 = mine.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flows/vpc/",
        MaxAggregationInterval=60,
        DestinationOptions={"FileFormat": "parquet", "PerHourPartition": True},
    )
    (found,) = ec2.describe_flow_logs()["FlowLogs"]
    assert found["LogDestination"] == "arn:aws:s3:::flows/vpc/"
    assert found["DestinationOptions"]["FileFormat"] == "parquet"
    assert found["DestinationOptions"]["PerHourPartition"]


def test_rules_to_groups_and_prefix_lists_keep_their_descriptions(mine: Emulator) -> None:
    ec2 = mine.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="one", Description="it", VpcId=vpc)["GroupId"]
    (prefix_list,) = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]
    )["PrefixLists"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    peers = {
        "UserIdGroupPairs": {"GroupId": group, "Description": "group"},
        "PrefixListIds": {"PrefixListId": prefix_list["PrefixListId"], "Description": "list"},
    }
    for kind, peer in peers.items():
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[{**https, kind: [peer]}])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    told = {rule.get("Description") for rule in rules["SecurityGroupRules"]}
    assert {"group", "list"} <= told


def test_a_trail_is_deleted_by_its_arn(mine: Emulator) -> None:
    mine.client("s3").create_bucket(Bucket="audit")
    trails = mine.client("cloudtrail")
    arn = trails.create_trail(Name="trail", S3BucketName="audit")["TrailARN"]
    trails.delete_trail(Name=arn)
    assert trails.describe_trails()["trailList"] == []


def test_a_bucket_with_delete_markers_can_be_emptied(mine: Emulator) -> None:
    s3 = mine.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versions", Key="one", Body=b"1")
    s3.delete_object(Bucket="versions", Key="one")
    found = s3.list_object_versions(Bucket="versions")
    objects = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for one in found["Versions"] + found["DeleteMarkers"]
    ]
    s3.delete_objects(Bucket="versions", Delete={"Objects": objects})
    s3.delete_bucket(Bucket="versions")


@pytest.fixture(scope="module")
def function(mine: Emulator) -> bytes:
    """A function named ``one`` is there; its package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.py", "def handler(event, context):\n    return event\n")
    mine.client("lambda").create_function(
        FunctionName="one",
        Runtime="python3.11",
        Role=role(mine, "one", allow(["s3:GetObject"], "*")),
        Handler="one.handler",
        Code={"ZipFile": buffer.getvalue()},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/one"},
    )
    return buffer.getvalue()


def test_a_function_tells_its_logging_also_when_changed(mine: Emulator, function: bytes) -> None:
    functions = mine.client("lambda")
    settings = functions.get_function_configuration(FunctionName="one")
    assert settings["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/one"}
    functions.update_function_configuration(
        FunctionName="one", TracingConfig={"Mode": "Active"}, LoggingConfig={"LogFormat": "Text"}
    )
    settings = functions.get_function_configuration(FunctionName="one")
    assert settings["TracingConfig"]["Mode"] == "Active"
    assert settings["LoggingConfig"]["LogGroup"] == "/aws/lambda/one"


def test_a_functions_code_can_be_downloaded(mine: Emulator, function: bytes) -> None:
    location = mine.client("lambda").get_function(FunctionName="one")["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == function
