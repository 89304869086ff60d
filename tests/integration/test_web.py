"""The deployed WebStack: its outputs, its instances, and the permissions of their role."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Environment, refused
from tests.support.first_boot import first_boot
from tools.emulator import ACCOUNT_ID

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
OUTPUTS = {
    *("vpc_id", "public_subnet_ids", "private_subnet_ids", "isolated_subnet_ids"),
    *("load_balancer_dns_name", "application_url", "api_url", "auto_scaling_group_name"),
    *("database_endpoint", "database_secret_arn", "parameter_prefix", "kms_key_arn"),
    *("bucket_name", "access_logs_bucket_name", "balancer_logs_bucket_name"),
    *("flow_logs_bucket_name", "application_log_group_name", "deployment_log_group_name"),
    *("alarm_topic_arn", "dashboard_name", "web_acl_arn"),
}


@pytest.fixture(scope="module")
def group(web: Environment) -> dict[str, Any]:
    """The Auto Scaling group."""
    answer = web.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[web.outputs["auto_scaling_group_name"]]
    )
    return dict(answer["AutoScalingGroups"][0])


@pytest.fixture(scope="module")
def instances(web: Environment, group: dict[str, Any]) -> list[dict[str, Any]]:
    """The group's instances, as EC2 describes them."""
    ids = [one["InstanceId"] for one in group["Instances"]]
    answer = web.client("ec2").describe_instances(InstanceIds=ids)
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


@pytest.fixture(scope="module")
def role_arn(web: Environment, instances: list[dict[str, Any]]) -> str:
    """The role in the instance profile of the instances."""
    (profile,) = {one["IamInstanceProfile"]["Arn"] for one in instances}
    answer = web.client("iam").get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])
    (role,) = answer["InstanceProfile"]["Roles"]
    return str(role["Arn"])


def test_outputs_have_expected_names_and_values(web: Environment) -> None:
    outputs = web.outputs
    assert {*outputs} == OUTPUTS
    for tier in ("public", "private", "isolated"):
        assert len(set(outputs[f"{tier}_subnet_ids"])) == 2, tier
    assert outputs["application_url"] == f"https://{web.variables['TAP_WEB_DOMAIN_NAME']}"
    assert outputs["parameter_prefix"] == f"/web-{web.suffix}"
    assert outputs["bucket_name"] == f"{web.name('data')}-{ACCOUNT_ID}"


# ---- Auto Scaling group -------------------------------------------------------------------------


def test_group_registers_healthy_instances_with_the_target_group(
    web: Environment, group: dict[str, Any]
) -> None:
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (2, 2, 10)
    assert (group["HealthCheckType"], group["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert group["MaxInstanceLifetime"] == 30 * 24 * 3600
    assert {*group["VPCZoneIdentifier"].split(",")} == {*web.outputs["private_subnet_ids"]}
    elbv2 = web.client("elbv2")
    (target,) = elbv2.describe_target_groups(Names=[web.name("tg")])["TargetGroups"]
    assert group["TargetGroupARNs"] == [target["TargetGroupArn"]]
    health = elbv2.describe_target_health(TargetGroupArn=target["TargetGroupArn"])
    found = {
        one["Target"]["Id"]: (one["Target"]["Port"], one["TargetHealth"]["State"])
        for one in health["TargetHealthDescriptions"]
    }
    assert found == {one["InstanceId"]: (80, "healthy") for one in group["Instances"]}
    assert len(found) == 2


def test_instances_are_in_both_private_subnets(
    web: Environment, instances: list[dict[str, Any]]
) -> None:
    subnets = {one["SubnetId"] for one in instances}
    assert subnets == {*web.outputs["private_subnet_ids"]}
    assert not any(one.get("PublicIpAddress") or one.get("KeyName") for one in instances)
    groups = {one["GroupName"] for instance in instances for one in instance["SecurityGroups"]}
    assert groups == {web.name("instances-security-group")}


def test_instances_run_the_newest_image_and_require_imdsv2(
    web: Environment, instances: list[dict[str, Any]]
) -> None:
    newest = web.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    for one in instances:
        assert (one["ImageId"], one["InstanceType"]) == (newest, "t3.micro")
        options = one["MetadataOptions"]
        assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)
        assert one["Monitoring"]["State"] == "enabled"


def test_instances_and_their_volumes_are_encrypted_and_tagged(
    web: Environment, instances: list[dict[str, Any]]
) -> None:
    expected = {"Environment": web.suffix, "ManagedBy": "cdktf", "Component": "web-application"}

    def tags(thing: dict[str, Any]) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in thing["Tags"]}

    for one in instances:
        assert (expected | {"Name": web.name("instance")}).items() <= tags(one).items()
        (mapping,) = one["BlockDeviceMappings"]
        (volume,) = web.client("ec2").describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])[
            "Volumes"
        ]
        assert (volume["Encrypted"], volume["VolumeType"]) == (True, "gp3")
        assert volume["KmsKeyId"] == web.outputs["kms_key_arn"]
        assert (expected | {"Name": web.name("volume")}).items() <= tags(volume).items()


def test_group_scales_on_cpu_and_requests(web: Environment, group: dict[str, Any]) -> None:
    policies = web.client("autoscaling").describe_policies(
        AutoScalingGroupName=group["AutoScalingGroupName"]
    )["ScalingPolicies"]
    found = {}
    for policy in policies:
        tracking = policy["TargetTrackingConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]
        found[metric["PredefinedMetricType"]] = (
            tracking["TargetValue"],
            metric.get("ResourceLabel"),
        )
    elbv2 = web.client("elbv2")
    (load_balancer,) = elbv2.describe_load_balancers(Names=[web.name("alb")])["LoadBalancers"]
    label = "/".join(
        (
            load_balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
            group["TargetGroupARNs"][0].rpartition(":")[2],
        )
    )
    assert found == {
        "ASGAverageCPUUtilization": (60, None),
        "ALBRequestCountPerTarget": (1000, label),
    }


def test_user_data_configures_nginx_and_logs(
    web: Environment, group: dict[str, Any], tmp_path: Path
) -> None:
    (version,) = web.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"], Versions=["$Default"]
    )["LaunchTemplateVersions"]
    assert str(version["VersionNumber"]) == group["LaunchTemplate"]["Version"]
    script = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()
    # No instance boots in the emulator: its user data runs with substitutes of the programs.
    boot = first_boot(script, tmp_path / "root", files={"/etc/nginx/nginx.conf": ""})
    assert (boot.code, boot.errors) == (0, "")
    assert boot.calls[-1] == "systemctl enable --now nginx"
    origin = web.outputs["application_url"]
    assert f"Access-Control-Allow-Origin '{origin}' always;" in boot.file("/etc/nginx/nginx.conf")
    application, deployment = (
        web.outputs[f"{kind}_log_group_name"] for kind in ("application", "deployment")
    )
    assert {path: group for path, (group, _) in boot.collected().items()} == {
        "/var/log/nginx/access.log": application,
        "/var/log/nginx/error.log": application,
        "/var/log/cloud-init-output.log": deployment,
    }
    groups = web.client("logs").describe_log_groups(logGroupNamePrefix="/aws/ec2/web-")
    assert {
        one["logGroupName"]: (one["retentionInDays"], one["kmsKeyId"])
        for one in groups["logGroups"]
    } == dict.fromkeys((application, deployment), (7, web.outputs["kms_key_arn"]))


# ---- permissions of the instances ---------------------------------------------------------------


def test_instance_role_reads_and_writes_the_bucket(web: Environment, role_arn: str) -> None:
    s3, bucket = web.client("s3", role_arn=role_arn), web.outputs["bucket_name"]
    s3.put_object(Bucket=bucket, Key="some/object", Body=b"of an instance")
    assert s3.get_object(Bucket=bucket, Key="some/object")["Body"].read() == b"of an instance"
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == ["some/object"]
    assert refused(s3.delete_object, Bucket=bucket, Key="some/object")
    assert refused(s3.put_object, Bucket=bucket, Key="x", ServerSideEncryption="AES256")


def test_instance_role_reads_its_parameters(web: Environment, role_arn: str) -> None:
    ssm, prefix = web.client("ssm", role_arn=role_arn), web.outputs["parameter_prefix"]
    read = ssm.get_parameters_by_path(Path=prefix, Recursive=True, WithDecryption=True)
    found = {one["Name"].removeprefix(f"{prefix}/"): one for one in read["Parameters"]}
    assert found["bucket/name"]["Value"] == web.outputs["bucket_name"]
    assert found["database/endpoint"]["Value"] == web.outputs["database_endpoint"]
    assert found["database/url"]["Type"] == "SecureString"
    assert web.outputs["database_endpoint"] in found["database/url"]["Value"]
    assert {*found} == {"bucket/name", "database/endpoint", "database/url"}
    parameter = f"{prefix}/database/url"
    assert ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Name"] == parameter
    assert refused(ssm.get_parameter, Name=IMAGE)
    assert refused(ssm.put_parameter, Name=parameter, Value="x", Overwrite=True)


@pytest.mark.parametrize("kind", ["application", "deployment"])
def test_instance_role_writes_its_logs(kind: str, web: Environment, role_arn: str) -> None:
    logs = web.client("logs", role_arn=role_arn)
    where = {
        "logGroupName": web.outputs[f"{kind}_log_group_name"],
        "logStreamName": "i-0/test",
    }
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": 1, "message": "x"}])
    assert refused(logs.delete_log_group, logGroupName=where["logGroupName"])


def test_instance_role_has_no_other_permissions(web: Environment, role_arn: str) -> None:
    def client(service: str) -> Any:
        return web.client(service, role_arn=role_arn)

    secret, other = web.outputs["database_secret_arn"], web.outputs["access_logs_bucket_name"]
    assert refused(client("secretsmanager").get_secret_value, SecretId=secret)
    assert refused(client("s3").list_objects_v2, Bucket=other)
    assert refused(client("ec2").describe_instances)
    assert refused(client("rds").describe_db_instances)
    assert refused(client("logs").create_log_group, logGroupName="/somewhere/else")
    assert refused(client("iam").list_roles)


# ---- key policy ---------------------------------------------------------------------------------


def test_key_policy_allows_the_auto_scaling_service_linked_role(web: Environment) -> None:
    policy = web.client("kms").get_key_policy(
        KeyId=web.outputs["kms_key_arn"], PolicyName="default"
    )["Policy"]
    statements = {one["Sid"]: one for one in json.loads(policy)["Statement"]}
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/autoscaling.amazonaws.com"
    for sid in ("AllowAutoScalingUse", "AllowAutoScalingGrants"):
        tests = statements[sid]["Condition"]["StringEquals"]
        assert tests["aws:PrincipalArn"] == f"{role}/AWSServiceRoleForAutoScaling"
        assert tests["kms:CallerAccount"] == ACCOUNT_ID


# ---- instance refresh ---------------------------------------------------------------------------


def test_changed_launch_template_replaces_the_instances(web: Environment) -> None:
    autoscaling, name = web.client("autoscaling"), web.outputs["auto_scaling_group_name"]
    document = json.loads((web.terraform.folder / "cdk.tf.json").read_text())
    (group,) = document["resource"]["aws_autoscaling_group"]
    only = ("-refresh=false", f"-target=aws_autoscaling_group.{group}")

    def kept() -> dict[str, str]:
        (found,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
            "AutoScalingGroups"
        ]
        return {one["InstanceId"]: one["InstanceType"] for one in found["Instances"]}

    before = kept()
    web.synthesize(TAP_WEB_INSTANCE_TYPE="t3.small")
    try:
        web.terraform.apply(*only)
        after = kept()
        assert not {*after} & {*before}
        assert [*after.values()] == ["t3.small"] * 2
        (refresh,) = autoscaling.describe_instance_refreshes(AutoScalingGroupName=name)[
            "InstanceRefreshes"
        ]
        assert refresh["Preferences"]["MinHealthyPercentage"] == 90
        assert refresh["Preferences"]["InstanceWarmup"] == 180
    finally:
        web.synthesize()
        web.terraform.apply(*only)
    assert [*kept().values()] == ["t3.micro"] * 2
