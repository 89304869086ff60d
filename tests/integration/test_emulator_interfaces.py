"""The emulator's network interfaces, where they follow AWS and moto's do not."""

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
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    return str(made["SubnetId"])


def interfaces(ec2: Any, subnet: str) -> int:
    answer = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    return len(answer["NetworkInterfaces"])


def test_an_interface_goes_with_its_instance(ec2: Any, subnet: str) -> None:
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
    ids = [one["InstanceId"] for one in made["Instances"]]
    assert interfaces(ec2, subnet) == 1
    ec2.terminate_instances(InstanceIds=ids)
    assert interfaces(ec2, subnet) == 0
    (reservation,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "terminated"


def test_an_interface_goes_with_its_nat_gateway(ec2: Any, subnet: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    assert interfaces(ec2, subnet) == 1
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert interfaces(ec2, subnet) == 0
    ec2.release_address(AllocationId=address)
