"""Patches of EC2: deletion of network interfaces together with their owner."""

from __future__ import annotations

from typing import Any

import pytest

from tools.emulator import Emulator


@pytest.fixture(scope="module")
def ec2(fresh_emulator: Emulator) -> Any:
    return fresh_emulator.client("ec2")


@pytest.fixture(scope="module")
def subnet(ec2: Any) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    created = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    return str(created["SubnetId"])


def interfaces(ec2: Any, subnet: str) -> int:
    answer = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    return len(answer["NetworkInterfaces"])


def test_terminating_an_instance_deletes_its_primary_interface(ec2: Any, subnet: str) -> None:
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    created = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
    ids = [one["InstanceId"] for one in created["Instances"]]
    assert interfaces(ec2, subnet) == 1
    ec2.terminate_instances(InstanceIds=ids)
    assert interfaces(ec2, subnet) == 0
    (reservation,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "terminated"


def test_deleting_a_nat_gateway_deletes_its_interface(ec2: Any, subnet: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    created = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    assert interfaces(ec2, subnet) == 1
    ec2.delete_nat_gateway(NatGatewayId=created["NatGatewayId"])
    assert interfaces(ec2, subnet) == 0
    ec2.release_address(AllocationId=address)
