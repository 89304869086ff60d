"""Patches of EC2."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.key_pairs import KeyPairs

from tools.emulator import Emulator
from tools.emulator.moto_patches.ec2 import isolate_describe_key_pairs_public_key

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture(scope="module")
def ec2(fresh_emulator: Emulator) -> Any:
    return fresh_emulator.client("ec2")


@pytest.fixture(scope="module")
def image(fresh_emulator: Emulator) -> str:
    found = fresh_emulator.client("ssm").get_parameter(Name=IMAGE)
    return str(found["Parameter"]["Value"])


@pytest.fixture(scope="module")
def subnet(ec2: Any) -> dict[str, Any]:
    return dict(ec2.describe_subnets()["Subnets"][0])


def create_group(ec2: Any, subnet: dict[str, Any], name: str) -> str:
    created = ec2.create_security_group(GroupName=name, Description=name, VpcId=subnet["VpcId"])
    return str(created["GroupId"])


def run_instance(ec2: Any, **arguments: Any) -> str:
    created = ec2.run_instances(MinCount=1, MaxCount=1, InstanceType="t3.micro", **arguments)
    return str(created["Instances"][0]["InstanceId"])


def describe_instance(ec2: Any, instance_id: str) -> dict[str, Any]:
    answer = ec2.describe_instances(InstanceIds=[instance_id])
    return dict(answer["Reservations"][0]["Instances"][0])


def test_root_volume_has_the_size_of_its_image(ec2: Any, image: str) -> None:
    device = ec2.describe_images(ImageIds=[image])["Images"][0]["RootDeviceName"]
    id_ = run_instance(
        ec2,
        ImageId=image,
        BlockDeviceMappings=[{"DeviceName": device, "Ebs": {"Encrypted": True}}],
    )
    (mapping,) = describe_instance(ec2, id_)["BlockDeviceMappings"]
    (volume,) = ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["Size"], volume["Encrypted"]) == (8, True)


def test_detailed_monitoring_can_be_enabled_and_disabled(ec2: Any, image: str) -> None:
    id_ = run_instance(ec2, ImageId=image)
    for operation, state in (
        (ec2.monitor_instances, "enabled"),
        (ec2.unmonitor_instances, "disabled"),
    ):
        (monitoring,) = operation(InstanceIds=[id_])["InstanceMonitorings"]
        assert monitoring == {"InstanceId": id_, "Monitoring": {"State": state}}
        assert describe_instance(ec2, id_)["Monitoring"]["State"] == state


def test_instance_returns_the_security_groups_of_its_primary_interface(
    ec2: Any, image: str, subnet: dict[str, Any]
) -> None:
    first, second = (create_group(ec2, subnet, name) for name in ("first", "second"))
    interface = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [first]}
    id_ = run_instance(ec2, ImageId=image, NetworkInterfaces=[interface])

    def groups() -> tuple[list[str], list[str]]:
        found = describe_instance(ec2, id_)
        return (
            [group["GroupId"] for group in found["SecurityGroups"]],
            [group["GroupId"] for group in found["NetworkInterfaces"][0]["Groups"]],
        )

    assert groups() == ([first], [first])
    ec2.modify_instance_attribute(InstanceId=id_, Groups=[second])
    assert groups() == ([second], [second])
    eni = describe_instance(ec2, id_)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[first])
    assert groups() == ([first], [first])


def test_describe_key_pairs_does_not_change_shared_response_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The fault occurs at random in a server: the test inspects the shared dictionary instead.
    shared: dict[str, Any] = {}
    monkeypatch.setattr(EC2BaseResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", shared)
    monkeypatch.setattr(KeyPairs, "describe_key_pairs", KeyPairs.describe_key_pairs)
    isolate_describe_key_pairs_public_key()
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        ec2.create_key_pair(KeyName="some")
        for included in (True, False):
            (pair,) = ec2.describe_key_pairs(IncludePublicKey=included)["KeyPairs"]
            assert ("PublicKey" in pair) is included
    assert shared == {}
