"""Patches of EC2 Auto Scaling."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tools.emulator import Emulator

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture(scope="module")
def emulator(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


@pytest.fixture(scope="module")
def subnets(emulator: Emulator) -> list[str]:
    ec2 = emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]


@pytest.fixture(scope="module")
def group(emulator: Emulator, subnets: list[str]) -> str:
    """A group of three instances in two subnets, from a template with every field."""
    iam, ec2 = emulator.client("iam"), emulator.client("ec2")
    profile = iam.create_instance_profile(InstanceProfileName="instances")["InstanceProfile"]
    ec2.create_launch_template(
        LaunchTemplateName="template",
        LaunchTemplateData={
            "ImageId": f"resolve:ssm:{IMAGE}",
            "InstanceType": "t3.micro",
            "IamInstanceProfile": {"Arn": profile["Arn"]},
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "Monitoring": {"Enabled": True},
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "VolumeSize": 16,
                        "VolumeType": "gp3",
                        "Encrypted": True,
                        "KmsKeyId": "key",
                        "DeleteOnTermination": True,
                    },
                }
            ],
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": [{"Key": "Name", "Value": f"the {kind}"}]}
                for kind in ("instance", "volume")
            ],
        },
    )
    emulator.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="group",
        MinSize=3,
        MaxSize=4,
        VPCZoneIdentifier=",".join(subnets),
        LaunchTemplate={"LaunchTemplateName": "template", "Version": "1"},
        DefaultInstanceWarmup=180,
        MaxInstanceLifetime=86_400,
        InstanceMaintenancePolicy={"MinHealthyPercentage": 90, "MaxHealthyPercentage": 150},
    )
    return "group"


def described(emulator: Emulator, group: str) -> dict[str, Any]:
    answer = emulator.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[group]
    )
    found: dict[str, Any] = answer["AutoScalingGroups"][0]
    return found


def instances(emulator: Emulator, group: str) -> list[dict[str, Any]]:
    ids = [one["InstanceId"] for one in described(emulator, group)["Instances"]]
    answer = emulator.client("ec2").describe_instances(InstanceIds=ids)
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def test_group_returns_warmup_lifetime_and_maintenance_policy(
    emulator: Emulator, group: str
) -> None:
    found = described(emulator, group)
    assert found["DefaultInstanceWarmup"] == 180
    assert found["MaxInstanceLifetime"] == 86_400
    policy = {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 150}
    assert found["InstanceMaintenancePolicy"] == policy
    client = emulator.client("autoscaling")
    client.update_auto_scaling_group(AutoScalingGroupName=group, MaxInstanceLifetime=172_800)
    assert described(emulator, group)["MaxInstanceLifetime"] == 172_800
    assert described(emulator, group)["DefaultInstanceWarmup"] == 180


def test_instances_use_the_image_of_the_ssm_parameter(emulator: Emulator, group: str) -> None:
    image = emulator.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    assert {one["ImageId"] for one in instances(emulator, group)} == {image}


def test_template_data_excludes_the_tags_of_the_template(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2")
    tag = {"Key": "Name", "Value": "the template"}
    created = ec2.create_launch_template(
        LaunchTemplateName="tagged",
        LaunchTemplateData={"InstanceType": "t3.micro"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [tag]}],
    )["LaunchTemplate"]
    assert created["Tags"] == [tag]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateName="tagged")[
        "LaunchTemplateVersions"
    ]
    assert not version["LaunchTemplateData"].get("TagSpecifications")


def test_instances_are_distributed_across_subnets(
    emulator: Emulator, group: str, subnets: list[str]
) -> None:
    positions = sorted(subnets.index(one["SubnetId"]) for one in instances(emulator, group))
    assert positions in ([0, 0, 1], [0, 1, 1])
    assert described(emulator, group)["VPCZoneIdentifier"] == ",".join(subnets)


def test_instances_use_every_field_of_the_template(emulator: Emulator, group: str) -> None:
    for one in instances(emulator, group):
        assert one["IamInstanceProfile"]["Arn"].endswith("/instances")
        assert one["MetadataOptions"]["HttpTokens"] == "required"
        assert one["Monitoring"]["State"] == "enabled"
        assert {"Key": "Name", "Value": "the instance"} in one["Tags"]
        (mapping,) = one["BlockDeviceMappings"]
        assert mapping["DeviceName"] == "/dev/xvda"
        (volume,) = emulator.client("ec2").describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])[
            "Volumes"
        ]
        assert (volume["Encrypted"], volume["Size"]) == (True, 16)
        assert volume["Tags"] == [{"Key": "Name", "Value": "the volume"}]


def test_scaling_policy_returns_enabled_and_no_predictive_configuration(
    emulator: Emulator, group: str
) -> None:
    client = emulator.client("autoscaling")
    client.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName="policy",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 60,
        },
    )
    (policy,) = client.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    assert policy["Enabled"] is True
    assert "PredictiveScalingConfiguration" not in policy


def test_instance_refresh_replaces_all_instances(emulator: Emulator, group: str) -> None:
    client, ec2 = emulator.client("autoscaling"), emulator.client("ec2")
    before = {one["InstanceId"] for one in instances(emulator, group)}
    user_data = base64.b64encode(b"#!/bin/bash").decode()
    ec2.create_launch_template_version(
        LaunchTemplateName="template",
        SourceVersion="1",
        LaunchTemplateData={"InstanceType": "t3.small", "UserData": user_data},
    )
    client.update_auto_scaling_group(
        AutoScalingGroupName=group,
        LaunchTemplate={"LaunchTemplateName": "template", "Version": "2"},
    )
    started = client.start_instance_refresh(
        AutoScalingGroupName=group, Preferences={"MinHealthyPercentage": 90}
    )
    (refresh,) = client.describe_instance_refreshes(AutoScalingGroupName=group)["InstanceRefreshes"]
    assert refresh["InstanceRefreshId"] == started["InstanceRefreshId"]
    assert refresh["Status"] == "Successful"
    after = {one["InstanceId"] for one in instances(emulator, group)}
    assert len(after) == 3
    assert not after & before
    assert {one["InstanceType"] for one in instances(emulator, group)} == {"t3.small"}
    states = ec2.describe_instances(InstanceIds=[*before])["Reservations"]
    assert {one["State"]["Name"] for r in states for one in r["Instances"]} == {"terminated"}


def test_deleting_a_group_deletes_its_volumes(emulator: Emulator, group: str) -> None:
    emulator.client("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=group, ForceDelete=True
    )
    assert emulator.client("ec2").describe_volumes()["Volumes"] == []
