"""Instances of the emulator, where moto does otherwise than AWS."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.key_pairs import KeyPairs

from tools.emulator import Emulator
from tools.emulator.gaps import ec2 as gaps

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


def new_group(ec2: Any, subnet: dict[str, Any], name: str) -> str:
    made = ec2.create_security_group(GroupName=name, Description=name, VpcId=subnet["VpcId"])
    return str(made["GroupId"])


def run(ec2: Any, **wanted: Any) -> str:
    made = ec2.run_instances(MinCount=1, MaxCount=1, InstanceType="t3.micro", **wanted)
    return str(made["Instances"][0]["InstanceId"])


def look(ec2: Any, instance_id: str) -> dict[str, Any]:
    answer = ec2.describe_instances(InstanceIds=[instance_id])
    return dict(answer["Reservations"][0]["Instances"][0])


def test_a_root_volume_is_as_large_as_its_image(ec2: Any, image: str) -> None:
    device = ec2.describe_images(ImageIds=[image])["Images"][0]["RootDeviceName"]
    id_ = run(
        ec2,
        ImageId=image,
        BlockDeviceMappings=[{"DeviceName": device, "Ebs": {"Encrypted": True}}],
    )
    (mapping,) = look(ec2, id_)["BlockDeviceMappings"]
    (volume,) = ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["Size"], volume["Encrypted"]) == (8, True)


def test_detailed_monitoring_is_switched_on_and_off(ec2: Any, image: str) -> None:
    id_ = run(ec2, ImageId=image)
    for switch, state in (
        (ec2.monitor_instances, "enabled"),
        (ec2.unmonitor_instances, "disabled"),
    ):
        (said,) = switch(InstanceIds=[id_])["InstanceMonitorings"]
        assert said == {"InstanceId": id_, "Monitoring": {"State": state}}
        assert look(ec2, id_)["Monitoring"]["State"] == state


def test_an_instance_is_in_the_groups_of_its_interface(
    ec2: Any, image: str, subnet: dict[str, Any]
) -> None:
    first, second = (new_group(ec2, subnet, name) for name in ("first", "second"))
    interface = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [first]}
    id_ = run(ec2, ImageId=image, NetworkInterfaces=[interface])

    def groups() -> tuple[list[str], list[str]]:
        found = look(ec2, id_)
        return (
            [group["GroupId"] for group in found["SecurityGroups"]],
            [group["GroupId"] for group in found["NetworkInterfaces"][0]["Groups"]],
        )

    assert groups() == ([first], [first])
    ec2.modify_instance_attribute(InstanceId=id_, Groups=[second])
    assert groups() == ([second], [second])
    eni = look(ec2, id_)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[first])
    assert groups() == ([first], [first])


def test_describing_key_pairs_disturbs_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the first such call of a process would, and only by chance: so within this process.
    shared: dict[str, Any] = {}
    monkeypatch.setattr(EC2BaseResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", shared)
    monkeypatch.setattr(KeyPairs, "describe_key_pairs", KeyPairs.describe_key_pairs)
    gaps.describe_key_pairs_beside_other_calls()
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        ec2.create_key_pair(KeyName="some")
        for told in (True, False):
            (pair,) = ec2.describe_key_pairs(IncludePublicKey=told)["KeyPairs"]
            assert ("PublicKey" in pair) is told
    assert shared == {}
