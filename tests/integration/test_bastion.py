"""The deployed BastionStack: bastion, permissions, logs, security groups, buckets and tags."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Environment, refused
from tests.support.first_boot import first_boot

OUTPUTS = {
    *("vpc_id", "vpc_cidr_block", "public_subnet_ids", "private_subnet_ids"),
    *("availability_zones", "internet_gateway_id", "nat_gateway_ids", "bastion_host_public_ip"),
    *("bastion_security_group_id", "private_security_group_id", "logs_bucket_name"),
    "backup_bucket_name",
}
ACCOUNT = "123456789012"
IMAGE = "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-default-hvm-x86_64-gp2"
# Stands for a newer image of the same release.
NEWER_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
Rule = tuple[str, int, int, str]


@pytest.fixture(scope="module")
def instance(bastion: Environment) -> dict[str, Any]:
    """The only instance with the IP address in the outputs."""
    answer = bastion.client("ec2").describe_instances(
        Filters=[{"Name": "ip-address", "Values": [bastion.outputs["bastion_host_public_ip"]]}]
    )
    (reservation,) = answer["Reservations"]
    (found,) = reservation["Instances"]
    return dict(found)


@pytest.fixture(scope="module")
def key_arn(bastion: Environment) -> str:
    kms = bastion.client("kms")
    alias = f"alias/bastion-{bastion.suffix}"
    return str(kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"])


def test_outputs_have_expected_names_and_values(bastion: Environment) -> None:
    outputs = bastion.outputs
    assert set(outputs) == OUTPUTS
    assert outputs["vpc_cidr_block"] == "10.0.0.0/16"
    assert outputs["availability_zones"] == ["us-west-2a", "us-west-2b"]
    for name in ("public_subnet_ids", "private_subnet_ids", "nat_gateway_ids"):
        assert len(set(outputs[name])) == 2, name
    assert ipaddress.IPv4Address(outputs["bastion_host_public_ip"])
    assert outputs["logs_bucket_name"] == f"{bastion.name('logs')}-{ACCOUNT}"
    assert outputs["backup_bucket_name"] == f"{bastion.name('backups')}-{ACCOUNT}"


def test_outputs_name_deployed_subnets_and_gateways(bastion: Environment) -> None:
    ec2, outputs = bastion.client("ec2"), bastion.outputs
    subnets = {
        subnet["SubnetId"]: (
            subnet["CidrBlock"],
            subnet["AvailabilityZone"],
            subnet["MapPublicIpOnLaunch"],
        )
        for subnet in ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
        )["Subnets"]
    }
    assert [subnets.pop(id_) for id_ in outputs["public_subnet_ids"]] == [
        ("10.0.1.0/24", "us-west-2a", True),
        ("10.0.2.0/24", "us-west-2b", True),
    ]
    assert [subnets.pop(id_) for id_ in outputs["private_subnet_ids"]] == [
        ("10.0.10.0/24", "us-west-2a", False),
        ("10.0.11.0/24", "us-west-2b", False),
    ]
    assert subnets == {}
    (gateway,) = ec2.describe_internet_gateways(
        InternetGatewayIds=[outputs["internet_gateway_id"]]
    )["InternetGateways"]
    assert gateway["Attachments"][0]["VpcId"] == outputs["vpc_id"]
    nat = ec2.describe_nat_gateways(NatGatewayIds=outputs["nat_gateway_ids"])["NatGateways"]
    assert {one["SubnetId"] for one in nat} == set(outputs["public_subnet_ids"])
    assert len({one["NatGatewayAddresses"][0]["PublicIp"] for one in nat}) == 2


def test_bastion_runs_the_newest_image_in_public_subnet_1(
    bastion: Environment, instance: dict[str, Any]
) -> None:
    newest = bastion.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    assert instance["ImageId"] == newest
    assert instance["InstanceType"] == "t3.micro"
    assert instance["SubnetId"] == bastion.outputs["public_subnet_ids"][0]
    assert instance["State"]["Name"] == "running"


def test_bastion_requires_imdsv2_and_has_one_security_group(
    bastion: Environment, instance: dict[str, Any]
) -> None:
    options = instance["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)
    assert options["HttpEndpoint"] == "enabled"
    assert instance["Monitoring"]["State"] == "enabled"
    assert instance["EbsOptimized"] is True
    assert [group["GroupId"] for group in instance["SecurityGroups"]] == [
        bastion.outputs["bastion_security_group_id"]
    ]


def volumes(bastion: Environment, instance: dict[str, Any]) -> list[dict[str, Any]]:
    ids = [mapping["Ebs"]["VolumeId"] for mapping in instance["BlockDeviceMappings"]]
    return list(bastion.client("ec2").describe_volumes(VolumeIds=ids)["Volumes"])


def test_volume_is_encrypted_with_the_customer_managed_key(
    bastion: Environment, instance: dict[str, Any], key_arn: str
) -> None:
    (volume,) = volumes(bastion, instance)
    assert volume["Encrypted"] is True
    assert volume["KmsKeyId"] == key_arn
    assert volume["VolumeType"] == "gp3"
    (mapping,) = instance["BlockDeviceMappings"]
    assert mapping["DeviceName"] == instance["RootDeviceName"]
    assert mapping["Ebs"]["DeleteOnTermination"] is True


def test_bastion_accepts_only_the_configured_key_pair(
    bastion: Environment, instance: dict[str, Any]
) -> None:
    (pair,) = bastion.client("ec2").describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    assert instance["KeyName"] == pair["KeyName"] == bastion.name("key-pair")
    given = bastion.variables["TAP_BASTION_PUBLIC_KEY"].split()[:2]
    assert pair["PublicKey"].split()[:2] == given


def test_setup_and_logins_are_logged_to_encrypted_log_groups(
    bastion: Environment, instance: dict[str, Any], key_arn: str, tmp_path: Path
) -> None:
    answer = bastion.client("ec2").describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData"
    )
    script = base64.b64decode(answer["UserData"]["Value"]).decode()
    # No instance boots in the emulator: its user data runs with substitutes of the programs.
    files = {"/etc/ssh/sshd_config": "", "/etc/yum/yum-cron.conf": ""}
    boot = first_boot(script, tmp_path / "root", files=files)
    assert (boot.code, boot.errors) == (0, "")
    sent = {path: group for path, (group, _) in boot.collected().items()}
    logins, setup = (f"/bastion/{bastion.name(kind)}" for kind in ("logins", "setup"))
    assert sent == {
        "/var/log/secure": logins,
        "/var/log/amazon/ssm/amazon-ssm-agent.log": logins,
        "/var/log/cloud-init-output.log": setup,
    }
    groups = bastion.client("logs").describe_log_groups(logGroupNamePrefix="/bastion/")["logGroups"]
    assert {group["logGroupName"] for group in groups} == {logins, setup}
    assert {group["retentionInDays"] for group in groups} == {90}
    assert {group["kmsKeyId"] for group in groups} == {key_arn}


@pytest.fixture(scope="module")
def role_arn(bastion: Environment, instance: dict[str, Any]) -> str:
    """The role in the instance profile."""
    name = instance["IamInstanceProfile"]["Arn"].rpartition("/")[2]
    profile = bastion.client("iam").get_instance_profile(InstanceProfileName=name)
    (role,) = profile["InstanceProfile"]["Roles"]
    return str(role["Arn"])


def test_bastion_role_writes_its_logs(bastion: Environment, role_arn: str) -> None:
    logs = bastion.client("logs", role_arn=role_arn)
    for kind in ("logins", "setup"):
        where = {
            "logGroupName": f"/bastion/{bastion.name(kind)}",
            "logStreamName": "i-0/test",
        }
        logs.create_log_stream(**where)
        logs.put_log_events(**where, logEvents=[{"timestamp": 1, "message": "x"}])
        assert refused(logs.delete_log_group, logGroupName=where["logGroupName"])


def test_bastion_role_has_no_other_permissions(bastion: Environment, role_arn: str) -> None:
    def client(service: str) -> Any:
        return bastion.client(service, role_arn=role_arn)

    assert refused(client("s3").list_objects_v2, Bucket=bastion.outputs["backup_bucket_name"])
    assert refused(client("ssm").get_parameter, Name=IMAGE)
    assert refused(client("ec2").describe_instances)
    assert refused(client("logs").create_log_group, logGroupName="/somewhere/else")
    assert refused(client("iam").list_roles)


def rules(bastion: Environment, output: str) -> tuple[set[Rule], set[Rule]]:
    """Ingress and egress of a group as (protocol, from, to, peer)."""
    answer = bastion.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [bastion.outputs[output]]}]
    )
    sides: tuple[set[Rule], set[Rule]] = (set(), set())
    for rule in answer["SecurityGroupRules"]:
        peer = rule.get("CidrIpv4") or rule["ReferencedGroupInfo"]["GroupId"]
        row = (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], peer)
        sides[1 if rule["IsEgress"] else 0].add(row)
    return sides


def test_security_group_rules_allow_only_the_required_connections(bastion: Environment) -> None:
    everywhere = {("tcp", port, port, "0.0.0.0/0") for port in (80, 443)}
    assert rules(bastion, "bastion_security_group_id") == (
        {("tcp", 22, 22, "203.0.113.0/24")},
        {("tcp", 22, 22, "10.0.10.0/24"), ("tcp", 22, 22, "10.0.11.0/24"), *everywhere},
    )
    assert rules(bastion, "private_security_group_id") == (
        {
            ("tcp", 22, 22, bastion.outputs["bastion_security_group_id"]),
            ("tcp", 80, 80, "10.0.0.0/16"),
            ("tcp", 443, 443, "10.0.0.0/16"),
        },
        everywhere,
    )


@pytest.mark.parametrize("output", ["logs_bucket_name", "backup_bucket_name"])
def test_buckets_are_private_versioned_encrypted_and_logged(
    output: str, bastion: Environment, key_arn: str
) -> None:
    s3, name = bastion.client("s3"), bastion.outputs[output]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    logging = s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]
    assert logging["TargetBucket"] == f"{bastion.name('access-logs')}-{ACCOUNT}"
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert {rule["ID"] for rule in lifecycle} == {
        *("versions-and-uploads", "infrequent-access", "expiration")
    }


def test_deletion_of_backups_requires_mfa(bastion: Environment) -> None:
    s3 = bastion.client("s3")
    for output, expected in (("logs_bucket_name", False), ("backup_bucket_name", True)):
        name = bastion.outputs[output]
        s3.put_object(Bucket=name, Key="some/object", Body=b"x")
        assert refused(s3.delete_object, Bucket=name, Key="some/object") is expected


def test_flow_logs_record_all_traffic(bastion: Environment) -> None:
    (log,) = bastion.client("ec2").describe_flow_logs(
        Filters=[{"Name": "resource-id", "Values": [bastion.outputs["vpc_id"]]}]
    )["FlowLogs"]
    assert (log["TrafficType"], log["FlowLogStatus"]) == ("ALL", "ACTIVE")
    assert bastion.name("flow-logs") in log["LogDestination"]


def plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def tagged(bastion: Environment) -> Iterator[tuple[str, dict[str, str]]]:
    """The id and the tags of every deployed resource that can have tags."""
    ec2, s3, iam = (bastion.client(service) for service in ("ec2", "s3", "iam"))
    logs, kms = bastion.client("logs"), bastion.client("kms")
    in_vpc = [{"Name": "vpc-id", "Values": [bastion.outputs["vpc_id"]]}]
    groups = [bastion.outputs[f"{which}_security_group_id"] for which in ("bastion", "private")]
    for operation, result, id_, arguments in (
        ("describe_vpcs", "Vpcs", "VpcId", {"VpcIds": [bastion.outputs["vpc_id"]]}),
        ("describe_subnets", "Subnets", "SubnetId", {"Filters": in_vpc}),
        ("describe_security_groups", "SecurityGroups", "GroupId", {"Filters": in_vpc}),
        (
            "describe_security_group_rules",
            "SecurityGroupRules",
            "SecurityGroupRuleId",
            {"Filters": [{"Name": "group-id", "Values": groups}]},
        ),
        ("describe_nat_gateways", "NatGateways", "NatGatewayId", {"Filter": in_vpc}),
        ("describe_addresses", "Addresses", "AllocationId", {}),
        ("describe_flow_logs", "FlowLogs", "FlowLogId", {}),
        ("describe_key_pairs", "KeyPairs", "KeyPairId", {}),
        ("describe_volumes", "Volumes", "VolumeId", {}),
        (
            "describe_internet_gateways",
            "InternetGateways",
            "InternetGatewayId",
            {"InternetGatewayIds": [bastion.outputs["internet_gateway_id"]]},
        ),
    ):
        for resource in getattr(ec2, operation)(**arguments)[result]:
            yield resource[id_], plain(resource.get("Tags", []))
    for table in ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]:
        # AWS creates the main route table, and no subnet uses it.
        if not any(one.get("Main") for one in table["Associations"]):
            yield table["RouteTableId"], plain(table["Tags"])
    for bucket in s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith("bastion-"):
            tags = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
            yield bucket["Name"], plain(tags)
    for group in logs.describe_log_groups(logGroupNamePrefix="/bastion/")["logGroups"]:
        arn = group["logGroupArn"]
        yield arn, logs.list_tags_for_resource(resourceArn=arn)["tags"]
    role = bastion.name("host-role")
    yield role, plain(iam.list_role_tags(RoleName=role)["Tags"])
    profile = iam.get_instance_profile(InstanceProfileName=role)["InstanceProfile"]
    yield profile["Arn"], plain(profile["Tags"])
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{bastion.name('region-policy')}"
    yield policy, plain(iam.list_policy_tags(PolicyArn=policy)["Tags"])
    key = kms.describe_key(KeyId=f"alias/bastion-{bastion.suffix}")["KeyMetadata"]["KeyId"]
    found = kms.list_resource_tags(KeyId=key)["Tags"]
    yield key, {tag["TagKey"]: tag["TagValue"] for tag in found}


def test_all_resources_have_a_name_and_seven_tags(
    bastion: Environment, instance: dict[str, Any]
) -> None:
    common = {
        "Environment": bastion.suffix,
        "Project": "tap",
        "ManagedBy": "cdktf",
        "Owner": "platform-engineering",
        "CostCenter": "test-automation",
        "Component": "production-network",
        "Purpose": "Runs production instances behind a bastion",
    }
    resources = {**dict(tagged(bastion)), instance["InstanceId"]: plain(instance["Tags"])}
    assert len(resources) > 35
    wrong = {
        id_: tags
        for id_, tags in resources.items()
        if {name: value for name, value in tags.items() if name != "Name"} != common
        or not tags.get("Name", "").endswith(f"-{bastion.suffix}")
    }
    assert wrong == {}


def test_second_plan_is_empty(bastion: Environment) -> None:
    assert bastion.terraform.plan() is None


def test_newer_image_is_used_only_when_the_bastion_is_replaced(
    bastion: Environment, instance: dict[str, Any]
) -> None:
    file = bastion.terraform.folder / "cdk.tf.json"
    text = file.read_text()
    (name,) = json.loads(text)["resource"]["aws_instance"]
    newer = bastion.client("ssm").get_parameter(Name=NEWER_IMAGE)["Parameter"]["Value"]
    file.write_text(text.replace(IMAGE, NEWER_IMAGE))
    try:
        without = bastion.terraform.plan("-refresh=false")
        replacing = bastion.terraform.plan("-refresh=false", f"-replace=aws_instance.{name}") or ""
    finally:
        file.write_text(text)
    assert without is None
    assert "1 to add, 0 to change, 1 to destroy" in replacing
    assert f'"{instance["ImageId"]}" -> "{newer}"' in replacing
