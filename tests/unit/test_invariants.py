"""Every stack complies with every rule, in every environment and variant of the settings."""

from __future__ import annotations

import pytest

from lib.rules import RULES, duplicate_physical_names, evaluate, rule_suppressions
from lib.stacks import STACKS
from tests.support.synthesis import ENVIRONMENTS, Synthesizer
from tests.support.template import Template

# Variants of the settings that change which resources exist, in addition to config/.
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0-1"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:master-AbCdEf"
VARIANTS = {
    "other-region": {
        "AWS_REGION": "eu-central-1",
        "ENVIRONMENT_SUFFIX": "pr-7",
        "TAP_BASTION_REGION": "eu-west-1",
    },
    "state-with-key": {
        "TERRAFORM_STATE_KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0-1",
        "TAP_STORAGE_ACCESS_LOGS_ENCRYPTION": "s3",
        "TAP_MONITORING_ALARM_EMAIL": "ops@example.com",
    },
    "existing-secret": {
        "TAP_DATABASE_EXISTING_SECRET_ARN": SECRET,
        "TAP_MONITORING_TRAIL": "false",
        "TAP_MONITORING_CONFIG_RECORDER": "false",
        "TAP_DATABASE_READER_COUNT": "0",
        "TAP_WEB_DATABASE_EXISTING_SECRET_ARN": SECRET,
        "TAP_WEB_API_ACCOUNT_ROLE": "false",
    },
    "without-ssh": {
        "TAP_BASTION_SSH": "false",
        "TAP_BASTION_PUBLIC_KEY": "",
        "TAP_BASTION_AMAZON_LINUX": "2023",
        "TAP_BASTION_NAT_GATEWAYS": "one",
        "TAP_WEB_NAT_GATEWAYS": "one",
        "TAP_WEB_TLS_POLICY": "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "TAP_WEB_WAF": "false",
        "TAP_WEB_DATABASE_ENGINE_VERSION": "16.4",
        "TAP_WEB_LOG_RETENTION_DAYS": "400",
    },
    "existing-certificate": {
        "TAP_WEB_CERTIFICATE_ARN": CERTIFICATE,
        "TAP_WEB_HOSTED_ZONE_ID": "",
        "TAP_BASTION_SSH_CIDRS": "203.0.113.0/24,198.51.100.0/28",
    },
    "three-zones": {
        "TAP_BASTION_AVAILABILITY_ZONES": "us-west-2a,us-west-2b,us-west-2c",
        "TAP_BASTION_PUBLIC_SUBNETS": "10.0.1.0/24,10.0.2.0/24,10.0.3.0/24",
        "TAP_BASTION_PRIVATE_SUBNETS": "10.0.10.0/24,10.0.11.0/24,10.0.12.0/24",
        "TAP_WEB_AVAILABILITY_ZONES": "us-east-1a,us-east-1b,us-east-1c",
        "TAP_WEB_PUBLIC_SUBNETS": "10.0.1.0/24,10.0.2.0/24,10.0.3.0/24",
        "TAP_WEB_PRIVATE_SUBNETS": "10.0.10.0/24,10.0.11.0/24,10.0.12.0/24",
        "TAP_WEB_ISOLATED_SUBNETS": "10.0.20.0/24,10.0.21.0/24,10.0.22.0/24",
    },
}
# All suppressions of rules, without the numbers of zones: rule, resource type and construct path.
ROUTED = {
    ("no_public_access", "aws_internet_gateway", "Network/InternetGateway"),
    ("no_public_access", "aws_nat_gateway", "Network/NatGateway"),
    ("no_public_access", "aws_eip", "Network/NatAddress"),
    ("no_public_access", "aws_subnet", "Network/PublicSubnet"),
}
FLOW_LOGS = ("no_redundant_statements", "aws_s3_bucket_policy", "Network/FlowLogs/Policy")
FROM_INTERNET = "LoadBalancer/SecurityGroup/FromInternet"
INGRESS = "aws_vpc_security_group_ingress_rule"
SSE_S3_ACCESS_LOGS = ("require_bucket_encryption", "aws_s3_bucket", "AccessLogs")
RULE_SUPPRESSIONS = {
    "tap": {FLOW_LOGS},
    "state": {
        ("require_bucket_encryption", "aws_s3_bucket", "State"),
        ("names_end_with_suffix", "aws_s3_bucket", "State"),
    },
    "bastion": {*ROUTED, FLOW_LOGS, ("no_public_access", "aws_instance", "Bastion")},
    "web": {
        *ROUTED,
        FLOW_LOGS,
        ("no_public_access", "aws_lb", "LoadBalancer"),
        ("restrict_ingress", INGRESS, f"{FROM_INTERNET}80"),
        ("restrict_ingress", INGRESS, f"{FROM_INTERNET}443"),
        ("names_end_with_suffix", "aws_acm_certificate", "Certificate"),
        ("names_end_with_suffix", "aws_route53_record", "LoadBalancer/Name"),
        ("names_end_with_suffix", "aws_api_gateway_model", "Api/Object"),
        ("require_bucket_encryption", "aws_s3_bucket", "LoadBalancer/Logs"),
        ("require_log_retention", "aws_cloudwatch_log_group", "Fleet/ApplicationLogs"),
        ("require_log_retention", "aws_cloudwatch_log_group", "Fleet/DeploymentLogs"),
        ("services_require_source_account", "aws_s3_bucket_policy", "LoadBalancer/Logs/Policy"),
    },
}


@pytest.fixture(scope="session", params=[*ENVIRONMENTS, *VARIANTS])
def deployment(request: pytest.FixtureRequest, synth: Synthesizer) -> dict[str, Template]:
    """Every stack of one environment."""
    if request.param in VARIANTS:
        return {stack: synth(stack, **VARIANTS[request.param]) for stack in STACKS}
    return {stack: synth.environment(request.param, stack) for stack in STACKS}


@pytest.mark.parametrize("name", RULES)
def test_stacks_comply_with_the_rule(name: str, deployment: dict[str, Template]) -> None:
    violations = [
        f"{stack}: {violation}"
        for stack, template in deployment.items()
        for violation in evaluate(name, template)
    ]
    assert violations == []


def test_no_two_resources_have_the_same_physical_name(deployment: dict[str, Template]) -> None:
    assert duplicate_physical_names(deployment.values()) == []


def suppressions_of(template: Template) -> set[tuple[str, str, str]]:
    """The suppressions of rules, those of all zones as one."""
    return {
        (name, type_, path if type_ == INGRESS else path.rstrip("0123456789"))
        for name, type_, path in rule_suppressions(template)
    }


@pytest.mark.parametrize("stack", STACKS)
def test_rules_are_suppressed_at_known_resources_only(stack: str, synth: Synthesizer) -> None:
    assert suppressions_of(synth(stack)) == RULE_SUPPRESSIONS.get(stack, set())


def test_no_environment_has_other_suppressions(deployment: dict[str, Template]) -> None:
    for stack, template in deployment.items():
        assert suppressions_of(template) <= RULE_SUPPRESSIONS.get(stack, set()) | {
            SSE_S3_ACCESS_LOGS
        }


def test_configured_environments_are_evaluated() -> None:
    assert {"dev", "prod"} <= {*ENVIRONMENTS}


def test_templates_of_tests_refuse_misspelt_types(tap: Template) -> None:
    with pytest.raises(AssertionError, match="aws_s3_buckets: no provider has such a type"):
        tap.of_type("aws_s3_buckets")
    with pytest.raises(AssertionError, match="aws_vpcs: no provider has such a type"):
        tap.assert_none("aws_vpcs")
    with pytest.raises(AssertionError, match="tap has no aws_dynamodb_table"):
        tap.of_type("aws_dynamodb_table")
    with pytest.raises(AssertionError, match=r"aws_vpc at Net: 0 of \['Network'\]"):
        tap.get("aws_vpc", "Net")
