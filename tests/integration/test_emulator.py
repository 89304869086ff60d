"""Process, middleware and inventory of the emulator, and patches of several services."""

from __future__ import annotations

import io
import re
import time
import urllib.request
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator_resources import allow, role
from tools.emulator import ACCOUNT_ID, Emulator, EmulatorError, inventory
from tools.local.placeholders import hosted_zone


@pytest.fixture(scope="module")
def emulator(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


# ---- middleware ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "name"),
    [
        pytest.param("ec2", "describe_ipam_byoasn", {}, "ec2.DescribeIpamByoasn", id="ec2"),
        pytest.param(
            "iam",
            "generate_service_last_accessed_details",
            {"Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/example"},
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
def test_unimplemented_operation_fails_with_status_501_and_its_name(
    emulator: Emulator, service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    client = emulator.client(service)
    started = time.monotonic()
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert name in caught.value.response["Error"]["Message"]
    # The first request to a service imports its module of moto; a retry would wait for minutes.
    assert time.monotonic() - started < 60


# ---- process ------------------------------------------------------------------------------------


def test_port_in_use_raises_error_that_names_local_port(emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match=f"port {emulator.port} .* is in use.*LOCAL_PORT"):
        Emulator(port=emulator.port).start()


def test_stopped_emulator_refuses_connections() -> None:
    with Emulator() as emulator:
        client = emulator.client("sts")
        assert client.get_caller_identity()["Account"] == ACCOUNT_ID
    with pytest.raises(Exception, match="Could not connect"):
        client.get_caller_identity()


# ---- inventory ----------------------------------------------------------------------------------


def test_inventory_lists_created_resources_of_an_empty_account() -> None:
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
        # AWS deletes keys and secrets after a waiting period only.
        emulator.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        emulator.client("secretsmanager").delete_secret(SecretId=secret, RecoveryWindowInDays=7)
        names = [line.split()[0] for line in inventory(emulator.endpoint)]
        assert names == ["ec2", "iam", "logs", "s3"]


def test_inventory_names_the_region_of_resources_in_further_regions() -> None:
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
        )  # a public parameter, which exists in every account
        (certificate,) = emulator.client("acm").list_certificates()["CertificateSummaryList"]
        in_default_region = [
            f"acm certificates {certificate['CertificateArn']}",
            "apigateway rest_apis forgotten",
            "iam users forgotten",
            "route53 hosted_zones example.test.",
            "ssm parameters /forgotten",
            "wafv2 web_acls forgotten",
        ]
        assert inventory(emulator.endpoint) == in_default_region
        both = inventory(emulator.endpoint, "us-east-1", "eu-west-1")
        assert both == sorted([*in_default_region, "ec2 key_pairs forgotten in eu-west-1"])


# ---- patches of moto ----------------------------------------------------------------------------


def test_hosted_zone_id_starts_with_z(emulator: Emulator) -> None:
    with hosted_zone(emulator, "zone.example.test") as zone_id:
        assert re.fullmatch(r"Z[A-Z0-9]{1,31}", zone_id)


def test_staging_labels_of_a_secret_move_one_by_one(emulator: Emulator) -> None:
    secrets = emulator.client("secretsmanager")
    arn = secrets.create_secret(Name="labelled")["ARN"]

    def put(value: str, *stages: str) -> str:
        extra = {"VersionStages": list(stages)} if stages else {}
        version = secrets.put_secret_value(SecretId=arn, SecretString=value, **extra)
        return str(version["VersionId"])

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


def test_flow_logs_store_destination_options_and_prefix(emulator: Emulator) -> None:
    emulator.client("s3").create_bucket(Bucket="flows")
    ec2 = emulator.client("ec2")
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


def test_security_group_rules_return_descriptions_of_groups_and_prefix_lists(
    emulator: Emulator,
) -> None:
    ec2 = emulator.client("ec2")
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
    descriptions = {rule.get("Description") for rule in rules["SecurityGroupRules"]}
    assert {"group", "list"} <= descriptions


def test_delete_trail_accepts_an_arn(emulator: Emulator) -> None:
    emulator.client("s3").create_bucket(Bucket="audit")
    trails = emulator.client("cloudtrail")
    arn = trails.create_trail(Name="trail", S3BucketName="audit")["TrailARN"]
    trails.delete_trail(Name=arn)
    assert trails.describe_trails()["trailList"] == []


def test_bucket_with_delete_markers_can_be_emptied_and_deleted(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
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
def function(emulator: Emulator) -> bytes:
    """Create a function named ``one`` and return its deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.py", "def handler(event, context):\n    return event\n")
    emulator.client("lambda").create_function(
        FunctionName="one",
        Runtime="python3.11",
        Role=role(emulator, "one", allow(["s3:GetObject"], "*")),
        Handler="one.handler",
        Code={"ZipFile": buffer.getvalue()},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/one"},
    )
    return buffer.getvalue()


def test_function_configuration_returns_logging_and_updated_fields(
    emulator: Emulator, function: bytes
) -> None:
    functions = emulator.client("lambda")
    settings = functions.get_function_configuration(FunctionName="one")
    assert settings["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/one"}
    functions.update_function_configuration(
        FunctionName="one", TracingConfig={"Mode": "Active"}, LoggingConfig={"LogFormat": "Text"}
    )
    settings = functions.get_function_configuration(FunctionName="one")
    assert settings["TracingConfig"]["Mode"] == "Active"
    assert settings["LoggingConfig"]["LogGroup"] == "/aws/lambda/one"


def test_key_of_a_function_is_returned_with_environment_variables_only(
    emulator: Emulator, function: bytes
) -> None:
    functions = emulator.client("lambda")
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    for variables in ({}, {"LOG_LEVEL": "INFO"}):
        functions.update_function_configuration(
            FunctionName="one", KMSKeyArn=key, Environment={"Variables": variables}
        )
        settings = functions.get_function_configuration(FunctionName="one")
        assert settings.get("KMSKeyArn") == (key if variables else None)


def test_function_code_can_be_downloaded_from_its_location(
    emulator: Emulator, function: bytes
) -> None:
    location = emulator.client("lambda").get_function(FunctionName="one")["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == function
