"""WebStack: its composition and outputs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template, listed, some

NAME = re.compile(r"(?:\w+_)?(?:name|identifier)|bucket|name_prefix")
# Consumers of the state read outputs by name.
OUTPUTS = {
    "vpc_id": ("aws_vpc", "Network", "id"),
    "load_balancer_dns_name": ("aws_lb", "LoadBalancer", "dns_name"),
    "api_url": ("aws_api_gateway_stage", "Api/Stage", "invoke_url"),
    "auto_scaling_group_name": ("aws_autoscaling_group", "Fleet", "name"),
    "database_endpoint": ("aws_db_instance", "Database", "address"),
    "database_secret_arn": ("aws_secretsmanager_secret", "DatabaseSecret", "arn"),
    "bucket_name": ("aws_s3_bucket", "Data", "bucket"),
    "access_logs_bucket_name": ("aws_s3_bucket", "AccessLogs", "bucket"),
    "balancer_logs_bucket_name": ("aws_s3_bucket", "LoadBalancer/Logs", "bucket"),
    "flow_logs_bucket_name": ("aws_s3_bucket", "Network/FlowLogs", "bucket"),
    "kms_key_arn": ("aws_kms_key", "Key", "arn"),
    "application_log_group_name": ("aws_cloudwatch_log_group", "Fleet/ApplicationLogs", "name"),
    "deployment_log_group_name": ("aws_cloudwatch_log_group", "Fleet/DeploymentLogs", "name"),
    "alarm_topic_arn": ("aws_sns_topic", "Monitoring/Topic", "arn"),
    "dashboard_name": ("aws_cloudwatch_dashboard", "Monitoring/Dashboard", "dashboard_name"),
    "web_acl_arn": ("aws_wafv2_web_acl", "Firewall", "arn"),
}


@pytest.fixture(scope="module")
def web(synth: Synthesizer) -> Template:
    return synth("web")


def outputs(template: Template) -> dict[str, Any]:
    return {name: output["value"] for name, output in template.document["output"].items()}


def test_outputs_have_stable_names(web: Template) -> None:
    found = outputs(web)
    assert found.pop("application_url") == "https://app.example.com"
    assert found.pop("parameter_prefix") == "/web-unit"
    for tier in ("public", "private", "isolated"):
        assert found.pop(f"{tier}_subnet_ids") == [
            web.get("aws_subnet", f"Network/{tier.title()}Subnet{number}").ref("id")
            for number in (1, 2)
        ]
    assert found == {
        name: web.get(type_, path).ref(attribute)
        for name, (type_, path, attribute) in OUTPUTS.items()
    }


def test_stack_has_a_vpc_with_three_tiers(web: Template) -> None:
    assert web.get("aws_vpc")["cidr_block"] == "10.0.0.0/16"
    for tier, third in (("public", 1), ("private", 10), ("isolated", 20)):
        for number in (1, 2):
            subnet = web.get("aws_subnet", f"Network/{tier.title()}Subnet{number}")
            assert subnet["cidr_block"] == f"10.0.{third + number - 1}.0/24"
    assert len(web.of_type("aws_nat_gateway")) == 2


def test_load_balancer_forwards_to_the_auto_scaling_group(web: Template) -> None:
    listener = web.get("aws_lb_listener", "LoadBalancer/Https")
    target = web.get("aws_lb_target_group", "LoadBalancer/TargetGroup").ref("arn")
    assert [one["target_group_arn"] for one in listener["default_action"]] == [target]
    assert web.get("aws_autoscaling_group")["target_group_arns"] == [target]
    validated = web.get("aws_acm_certificate_validation").ref("certificate_arn")
    assert listener["certificate_arn"] == validated


def test_api_forwards_to_the_same_load_balancer(web: Template) -> None:
    link = web.get("aws_api_gateway_vpc_link")
    nlb = web.get("aws_lb", "Api/Link/Balancer")
    assert link["target_arns"] == [nlb.ref("arn")]
    attached = web.get("aws_lb_target_group_attachment")
    assert attached["target_id"] == web.get("aws_lb", "LoadBalancer").ref("arn")


@pytest.mark.parametrize("waf", [True, False])
def test_web_acl_protects_load_balancer_and_api(waf: bool, synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_WAF=str(waf).lower())
    protected = {
        one["resource_arn"]: one["web_acl_arn"]
        for one in some(template, "aws_wafv2_web_acl_association")
    }
    if waf:
        acl = template.get("aws_wafv2_web_acl").ref("arn")
        assert protected == {
            template.get("aws_lb", "LoadBalancer").ref("arn"): acl,
            template.get("aws_api_gateway_stage").ref("arn"): acl,
        }
    else:
        assert protected == {}
        template.assert_none("aws_wafv2_web_acl")
        assert "web_acl_arn" not in outputs(template)


def test_database_is_isolated_and_allows_the_instances_only(
    web: Template,
) -> None:
    group = web.get("aws_db_subnet_group")
    assert group["subnet_ids"] == outputs(web)["isolated_subnet_ids"]
    assert web.get("aws_db_instance")["db_subnet_group_name"] == group.ref("name")
    own = web.get("aws_security_group", "Database/SecurityGroup").ref("id")
    rules = [
        (rule["from_port"], rule["to_port"], rule.get("referenced_security_group_id"))
        for rule in web.of_type("aws_vpc_security_group_ingress_rule")
        if rule["security_group_id"] == own
    ]
    instances = web.get("aws_security_group", "Fleet/SecurityGroup").ref("id")
    assert rules == [(5432, 5432, instances)]


def test_parameters_contain_bucket_and_database(web: Template) -> None:
    database = web.get("aws_db_instance")
    parameters = {one["name"]: one for one in web.of_type("aws_ssm_parameter")}
    assert {*parameters} == {
        f"/web-unit/{name}" for name in ("bucket/name", "database/endpoint", "database/url")
    }
    assert parameters["/web-unit/bucket/name"]["insecure_value"] == outputs(web)["bucket_name"]
    assert parameters["/web-unit/database/endpoint"]["insecure_value"] == database.ref("address")
    url = parameters["/web-unit/database/url"]
    assert (url["type"], url["key_id"]) == ("SecureString", web.get("aws_kms_key").ref("arn"))
    assert url["lifecycle"] == {"replace_triggered_by": [f"{database.address}.resource_id"]}


def test_key_policy_allows_the_services_of_the_stack(web: Template) -> None:
    statements = web.get("aws_kms_key").statements()
    region = "us-east-1.amazonaws.com"

    def via_services(sid: str) -> list[str]:
        services = listed(statements[sid]["Condition"]["StringEquals"]["kms:ViaService"])
        return [one.removesuffix(f".{region}") for one in services]

    assert {*via_services("AllowUseViaServices")} == {
        *("s3", "secretsmanager", "rds", "ec2", "sns", "ssm")
    }
    assert {*via_services("AllowGrantsForServices")} == {"rds", "ec2"}
    assert {*statements} == {
        *("AllowAccountAdministration", "AllowUseViaServices", "AllowGrantsForServices"),
        *(
            "AllowAutoScalingUse",
            "AllowAutoScalingGrants",
            "AllowCloudWatchLogs",
            "AllowVpcFlowLogs",
        ),
        *("AllowS3AccessLogs", "AllowCloudWatchAlarms", "AllowEventBridge"),
    }


def test_data_bucket_requires_mfa_and_does_not_expire_objects(web: Template) -> None:
    bucket = web.get("aws_s3_bucket", "Data")
    policy = web.get("aws_s3_bucket_policy", "Data/Policy")
    assert policy["bucket"] == bucket.ref("id")
    assert {"DenyDeletionWithoutMfa", "DenyDeletionWithOldMfa"} <= {*policy.statements()}
    rules = web.get("aws_s3_bucket_lifecycle_configuration", "Data/Lifecycle")["rule"]
    assert not any(
        rule.get("expiration") or rule.get("filter") != [{"prefix": ""}] for rule in rules
    )


def test_region_is_configurable(synth: Synthesizer) -> None:
    template = synth("web", TAP_WEB_REGION="eu-west-1")
    (provider,) = template.document["provider"]["aws"]
    assert provider["region"] == "eu-west-1"
    zones = {one["availability_zone"] for one in template.of_type("aws_subnet")}
    assert zones == {"eu-west-1a", "eu-west-1b"}
    assert "us-east-1" not in json.dumps(template.document["resource"])


def physical_names(template: Template) -> set[tuple[str, str, str]]:
    def of(resource: Resource) -> set[tuple[str, str, str]]:
        return {
            (resource.type, argument, value)
            for argument, value in resource.body.items()
            if NAME.fullmatch(argument) and isinstance(value, str) and re.search(r"-unit\b", value)
        }

    return set().union(*(of(resource) for resource in template.resources()))


@pytest.mark.parametrize("other", ["tap", "bastion"])
def test_names_differ_from_those_of_other_stacks(other: str, synth: Synthesizer) -> None:
    ours, theirs = physical_names(synth("web")), physical_names(synth(other))
    assert len(ours) > 40
    assert ours & theirs == set()


def test_addresses_do_not_depend_on_the_environment(synth: Synthesizer) -> None:
    one, other = (
        {resource.address for resource in template.resources()}
        for template in (synth("web"), synth("web", ENVIRONMENT_SUFFIX="pr-7"))
    )
    assert one == other


def test_construct_ids_do_not_contain_the_suffix(synth: Synthesizer) -> None:
    template = synth("web", ENVIRONMENT_SUFFIX="pr-7")
    assert [resource.path for resource in template.resources() if "pr-7" in resource.path] == []


def test_longest_suffix_is_accepted(synth: Synthesizer) -> None:
    synth("web", ENVIRONMENT_SUFFIX="a" * 20)
