"""The Auto Scaling group: launch template, replacement, scaling, network and permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lib.compute.nginx import nginx
from tests.support.first_boot import first_boot
from tests.support.synthesis import Synthesizer
from tests.support.template import Template, listed

GROUP = "aws_autoscaling_group"
RULE = "aws_vpc_security_group_{}_rule"


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


@pytest.fixture(scope="module")
def launched(web: Template) -> dict[str, Any]:
    """The arguments of the launch template."""
    return web.get("aws_launch_template").body


def script(template: Template) -> str:
    """The user data before Terraform encodes it."""
    reference = re.fullmatch(
        r"\$\{base64encode\(local\.(\w+)\)\}", template.get("aws_launch_template")["user_data"]
    )
    assert reference
    text: str = template.document["locals"][reference[1]]
    return text


def test_launch_template_resolves_the_newest_image_at_launch(
    web: Template, launched: dict[str, Any]
) -> None:
    assert launched["image_id"] == (
        "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )
    assert "aws_ssm_parameter" not in web.document.get("data", {})
    assert launched["update_default_version"] is True
    assert launched["name"] == "web-launch-template-unit"


def test_instances_have_one_security_group_and_no_key_pair(
    web: Template, launched: dict[str, Any]
) -> None:
    assert {"key_name", "network_interfaces"} & {*launched} == set()
    web.assert_none("aws_key_pair")
    group = web.get("aws_security_group", "Fleet/SecurityGroup")
    assert launched["vpc_security_group_ids"] == [group.ref("id")]


def test_instances_require_imdsv2_with_one_hop(launched: dict[str, Any]) -> None:
    assert launched["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_volumes_are_encrypted_with_the_key(web: Template, launched: dict[str, Any]) -> None:
    (mapping,) = launched["block_device_mappings"]
    volume = mapping["ebs"]
    key = web.get("aws_kms_key")
    assert (volume["encrypted"], volume["kms_key_id"]) == ("true", key.ref("arn"))
    assert (volume["volume_type"], volume["delete_on_termination"]) == ("gp3", "true")
    assert mapping["device_name"] == "/dev/xvda"
    sids = {*key.statements()}
    assert {"AllowAutoScalingUse", "AllowAutoScalingGrants"} <= sids


def test_instances_have_detailed_monitoring(launched: dict[str, Any]) -> None:
    assert launched["monitoring"] == {"enabled": True}


def test_instances_have_the_instance_role(web: Template, launched: dict[str, Any]) -> None:
    profile = web.get("aws_iam_instance_profile", "Fleet/Role/Profile")
    assert launched["iam_instance_profile"] == {"arn": profile.ref("arn")}
    assert profile["role"] == web.get("aws_iam_role", "Fleet/Role").ref("name")


@pytest.mark.parametrize("type_", ["instance", "volume", "network-interface"])
def test_launched_resources_have_the_common_tags(
    type_: str, web: Template, launched: dict[str, Any]
) -> None:
    (tags,) = (
        one["tags"] for one in launched["tag_specifications"] if one["resource_type"] == type_
    )
    (provider,) = web.document["provider"]["aws"]
    (default,) = provider["default_tags"]
    assert tags == default["tags"] | {"Name": f"web-{type_}-unit"}


def test_group_propagates_its_tags(web: Template) -> None:
    (provider,) = web.document["provider"]["aws"]
    expected = provider["default_tags"][0]["tags"] | {"Name": "web-instance-unit"}
    tags = web.get(GROUP)["tag"]
    assert {tag["key"]: tag["value"] for tag in tags} == expected
    assert all(tag["propagate_at_launch"] is True for tag in tags)


def test_group_is_in_the_private_subnets_and_registers_targets(web: Template) -> None:
    group = web.get(GROUP)
    assert group["vpc_zone_identifier"] == [
        web.get("aws_subnet", f"Network/PrivateSubnet{number}").ref("id") for number in (1, 2)
    ]
    target = web.get("aws_lb_target_group", "LoadBalancer/TargetGroup")
    assert group["target_group_arns"] == [target.ref("arn")]
    assert (group["health_check_type"], group["health_check_grace_period"]) == ("ELB", 300)


@pytest.mark.parametrize(("low", "high"), [(2, 10), (3, 4)])
def test_size_of_the_group_is_configurable(low: int, high: int, synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_MINIMUM_INSTANCES=str(low), TAP_WEB_MAXIMUM_INSTANCES=str(high))
    group = template.get(GROUP)
    assert (group["min_size"], group["max_size"]) == (low, high)
    # The first deployment fails with fewer healthy instances.
    assert group["min_elb_capacity"] == low
    assert group["wait_for_capacity_timeout"] == "15m"


def test_scaling_policies_set_the_desired_capacity(web: Template) -> None:
    group = web.get(GROUP)
    assert "desired_capacity" not in group.body
    assert group["lifecycle"] == {"ignore_changes": ["desired_capacity"]}


def test_changed_launch_template_starts_an_instance_refresh(web: Template) -> None:
    group, template = web.get(GROUP), web.get("aws_launch_template")
    assert group["launch_template"] == {
        "id": template.ref("id"),
        "version": template.ref("latest_version"),
    }
    assert group["instance_refresh"] == {
        "strategy": "Rolling",
        "preferences": {
            "min_healthy_percentage": 90,
            "max_healthy_percentage": 150,
            "instance_warmup": "180",
        },
        "triggers": ["tag"],
    }


def test_instances_are_replaced_after_30_days(web: Template) -> None:
    group = web.get(GROUP)
    assert group["max_instance_lifetime"] == 30 * 24 * 3600
    assert group["instance_maintenance_policy"] == {
        "min_healthy_percentage": 90,
        "max_healthy_percentage": 150,
    }


def test_group_depends_on_permissions_nat_gateways_and_listener(web: Template) -> None:
    role = web.get("aws_iam_role", "Fleet/Role").ref("name")
    permissions = [
        one.address
        for type_ in ("aws_iam_role_policy", "aws_iam_role_policy_attachment")
        for one in web.of_type(type_)
        if one["role"] == role
    ]
    assert len(permissions) == 2
    gateways = [gateway.address for gateway in web.of_type("aws_nat_gateway")]
    listener = web.get("aws_lb_listener", "LoadBalancer/Https").address
    assert {*web.get(GROUP)["depends_on"]} == {*permissions, *gateways, listener}


def test_target_tracking_is_configurable(synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_CPU_TARGET_PERCENT="45", TAP_WEB_REQUESTS_TARGET="300")
    label = "/".join(
        template.get(type_, path).ref("arn_suffix")
        for type_, path in (
            ("aws_lb", "LoadBalancer"),
            ("aws_lb_target_group", "LoadBalancer/TargetGroup"),
        )
    )
    expected = {
        "Fleet/CpuPolicy": (45, {"predefined_metric_type": "ASGAverageCPUUtilization"}),
        "Fleet/RequestsPolicy": (
            300,
            {"predefined_metric_type": "ALBRequestCountPerTarget", "resource_label": label},
        ),
    }
    policies = {one.path: one for one in template.of_type("aws_autoscaling_policy")}
    assert {*policies} == {*expected}
    for path, (target, metric) in expected.items():
        policy = policies[path]
        assert policy["autoscaling_group_name"] == template.get(GROUP).ref("name")
        assert policy["policy_type"] == "TargetTrackingScaling"
        assert policy["target_tracking_configuration"] == {
            "target_value": target,
            "predefined_metric_specification": metric,
        }


def peers(template: Template, direction: str) -> set[tuple[int, str]]:
    """Port and peer of the rules of the security group."""
    group = template.get("aws_security_group", "Fleet/SecurityGroup").ref("id")
    paths = {one.ref("id"): one.path for one in template.of_type("aws_security_group")}
    found = set()
    for rule in template.of_type(RULE.format(direction)):
        if rule["security_group_id"] == group:
            assert (rule["ip_protocol"], rule["from_port"]) == ("tcp", rule["to_port"])
            other = rule.get("cidr_ipv4") or paths[rule["referenced_security_group_id"]]
            found.add((rule["from_port"], other))
    return found


def test_ingress_is_from_load_balancer_and_egress_to_database_and_https(web: Template) -> None:
    assert peers(web, "ingress") == {(80, "LoadBalancer/SecurityGroup")}
    assert peers(web, "egress") == {(443, "0.0.0.0/0"), (5432, "Database/SecurityGroup")}


def test_role_has_only_the_required_permissions(web: Template) -> None:
    bucket = web.get("aws_s3_bucket", "Data").ref("arn")
    key = web.get("aws_kms_key").ref("arn")
    prefix = f"arn:aws:ssm:us-east-1:{web.account_id}:parameter/web-unit"
    groups = [
        web.get("aws_cloudwatch_log_group", f"Fleet/{id_}").ref("arn") + ":*"
        for id_ in ("ApplicationLogs", "DeploymentLogs")
    ]
    granted = web.get("aws_iam_role_policy", "Fleet/Role/Policy").statements()
    assert {*granted} == {
        *("RegisterForSessions", "OfferSessions", "WriteLogs", "UseObjects", "ListObjects"),
        *("ReadParameters", "UseKeyThroughBucket", "UseKeyThroughParameters"),
    }
    assert all(statement["Effect"] == "Allow" for statement in granted.values())
    assert granted["WriteLogs"]["Resource"] == groups
    for sid, actions, resources in (
        ("UseObjects", ["s3:GetObject", "s3:PutObject"], [f"{bucket}/*"]),
        ("ListObjects", ["s3:ListBucket"], [bucket]),
        (
            "ReadParameters",
            ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
            [prefix, f"{prefix}/*"],
        ),
        ("UseKeyThroughBucket", ["kms:Decrypt", "kms:GenerateDataKey"], [key]),
        ("UseKeyThroughParameters", ["kms:Decrypt"], [key]),
    ):
        assert listed(granted[sid]["Action"]) == actions
        assert listed(granted[sid]["Resource"]) == resources
    for sid, name in (("UseKeyThroughBucket", "s3"), ("UseKeyThroughParameters", "ssm")):
        assert granted[sid]["Condition"] == {
            "StringEquals": {"kms:ViaService": f"{name}.us-east-1.amazonaws.com"}
        }
    attached = [
        one["policy_arn"]
        for one in web.of_type("aws_iam_role_policy_attachment")
        if one["role"] == web.get("aws_iam_role", "Fleet/Role").ref("name")
    ]
    assert attached == [web.get("aws_iam_policy", "RegionRestriction").ref("arn")]


@pytest.mark.parametrize("days", [7, 30])
def test_log_retention_is_configurable(days: int, synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_LOG_RETENTION_DAYS=str(days))
    for kind in ("application", "deployment"):
        group = template.get("aws_cloudwatch_log_group", f"Fleet/{kind.title()}Logs")
        assert (group["name"], group["retention_in_days"]) == (f"/aws/ec2/web-{kind}-unit", days)


def group_names(template: Template) -> dict[str, str]:
    """The references to the names of the log groups, with their kind."""
    return {
        template.get("aws_cloudwatch_log_group", f"Fleet/{kind.title()}Logs").ref("name"): kind
        for kind in ("application", "deployment")
    }


def test_user_data_installs_nginx_and_sends_logs(web: Template, tmp_path: Path) -> None:
    text = script(web)
    names = group_names(web)
    assert text.startswith("#!/bin/bash\n")
    # Terraform interprets `${`, so the script contains no other variables in braces.
    assert {*re.findall(r"[$%]\{[^}]*\}", text)} == {*names}
    for reference, kind in names.items():
        text = text.replace(reference, kind)
    boot = first_boot(text, tmp_path, files={"/etc/nginx/nginx.conf": "Default configuration"})
    assert (boot.code, boot.errors) == (0, "")
    assert boot.calls[-3:] == [
        "yum install -y nginx",
        "nginx -t",
        "systemctl enable --now nginx",
    ]
    assert boot.file("/etc/nginx/nginx.conf").startswith("user nginx;\n")
    assert {path: group for path, (group, _) in boot.collected().items()} == {
        "/var/log/nginx/access.log": "application",
        "/var/log/nginx/error.log": "application",
        "/var/log/cloud-init-output.log": "deployment",
    }


@pytest.mark.parametrize("command", ["nginx", "systemctl"])
def test_user_data_fails_if_nginx_does_not_start(
    command: str, web: Template, tmp_path: Path
) -> None:
    text = "\n".join(("set -euo pipefail", *script(web).splitlines()[-2:]))
    boot = first_boot(text, tmp_path, failures={command: 1})
    assert boot.code != 0


def test_user_data_ends_with_the_installation_of_nginx(web: Template) -> None:
    expected = "\n".join(
        nginx(service="web-unit", health_path="/health", origin="https://app.example.com")
    )
    assert script(web).endswith(f"\n{expected}\n")


@pytest.mark.parametrize("origin", ["https://app.example.com", "https://pages.example.com:8443"])
def test_origin_of_the_api_may_read_responses(origin: str, synth: Synthesizer) -> None:
    given = {} if origin == "https://app.example.com" else {"TAP_WEB_API_ORIGIN": origin}
    text = script(synth("web", **given))
    assert re.findall(r"Access-Control-Allow-Origin '(.*)' always;", text) == [origin]
