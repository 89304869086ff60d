"""Errors of settings: one line each with field, value received, values accepted, correction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib.monitoring.cis_table import CIS_ALARMS
from lib.settings import PLAIN_VARIABLES, Settings, SettingsError, load_settings

BUCKET = {"TERRAFORM_STATE_BUCKET": "some-bucket"}
LINE = re.compile(r"(?P<field>.+?): received (?P<received>.+?); accepted: (?P<accepted>.+?)\. .+")


def rejected(directory: Path, toml: str = "", **variables: str) -> list[str]:
    """The lines of the `SettingsError`; checks the form of each line."""
    if toml:
        (directory / "dev.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(BUCKET | variables, directory)
    lines = str(caught.value).splitlines()
    for line in lines:
        assert LINE.fullmatch(line), line
        assert "Value error" not in line
    return lines


ZONES = "TAP_NETWORK_AVAILABILITY_ZONES"
CASES = [
    ("ENVIRONMENT_SUFFIX", "Dev", "lower-case letters"),
    ("ENVIRONMENT_SUFFIX", "a--b", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "-a", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "a-", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "a_b", "1 to 20"),
    ("ENVIRONMENT_SUFFIX", "x" * 21, "1 to 20"),
    ("AWS_REGION", "us-east-9", "an AWS Region"),
    ("AWS_REGION", "aws-global", "an AWS Region"),
    ("TERRAFORM_STATE_BUCKET", "Upper", "3 to 63"),
    ("TERRAFORM_STATE_BUCKET", "ab", "3 to 63"),
    ("TERRAFORM_STATE_BUCKET_REGION", "mars", "an AWS Region"),
    ("TERRAFORM_STATE_KMS_KEY_ARN", "alias/key", "the ARN of a KMS key"),
    ("TAP_NETWORK_CIDR", "10.0.0.0", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.1/16", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/15", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/29", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "fd00::/48", "an IPv4 network"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/255.255.0.0", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/24", "that contains 2 subnets of /24"),
    ("TAP_NETWORK_SUBNET_PREFIX", "29", "from 16 to 28"),
    ("TAP_NETWORK_SUBNET_PREFIX", "a", "from 16 to 28"),
    (ZONES, "us-east-1a", "two or more different zones"),
    (ZONES, "us-east-1a,us-east-1a", "two or more different zones"),
    (ZONES, "us-east-1a,us-west-2a", "zones of the Region us-east-1"),
    (ZONES, "us-east-1a,us-east-1", "zones of the Region us-east-1"),
    ("TAP_NETWORK_FLOW_LOG_INTERVAL_SECONDS", "300", "60 or 600"),
    ("TAP_NETWORK_INTERFACE_ENDPOINTS", "kms", "secretsmanager, which"),
    ("TAP_NETWORK_INTERFACE_ENDPOINTS", "secretsmanager,secretsmanager", ""),
    # An endpoint whose policy no construct extends denies all requests.
    ("TAP_NETWORK_INTERFACE_ENDPOINTS", "secretsmanager,ecr.api", "optionally kms"),
    ("ENVIRONMENT_SUFFIX", "a-b-c-d-e-f-g-h-i-j-k", "1 to 20"),
    ("TAP_NETWORK_INTERFACE_ENDPOINTS", "secretsmanager,s3", ""),
    ("TAP_NETWORK_INTERFACE_ENDPOINTS", "secretsmanager,Not A Service", ""),
    # Services in China have other names and principals.
    ("AWS_REGION", "cn-north-1", "such as us-east-1"),
    ("TERRAFORM_STATE_KMS_KEY_ARN", "arn:aws:s3:::bucket", "ARN of a KMS key"),
    ("TAP_DATABASE_ENGINE_VERSION", "16", "13, 14, 15, 16, 17"),
    ("TAP_DATABASE_ENGINE_VERSION", "99.1", "13, 14, 15, 16, 17"),
    ("TAP_DATABASE_ENGINE_VERSION", "8.0", "13, 14, 15"),
    ("TAP_DATABASE_INSTANCE_CLASS", "t4g.medium", "such as db.t4g.medium"),
    ("TAP_DATABASE_READER_COUNT", "16", "from 0 to 15"),
    ("TAP_DATABASE_READER_COUNT", "-1", "from 0 to 15"),
    ("TAP_DATABASE_READER_COUNT", "many", "from 0 to 15"),
    ("TAP_DATABASE_BACKUP_RETENTION_DAYS", "0", "from 1 to 35"),
    ("TAP_DATABASE_NAME", "1tap", "lower-case identifier"),
    ("TAP_DATABASE_USERNAME", "rdsadmin", "not admin or rdsadmin"),
    ("TAP_DATABASE_USERNAME", "a" * 17, "at most 16"),
    ("TAP_DATABASE_PASSWORD_VERSION", "0", "raise it by one"),
    ("TAP_DATABASE_EXISTING_SECRET_ARN", "my-secret", "ARN of a Secrets Manager secret"),
    ("TAP_DATABASE_EXISTING_SECRET_ARN", "arn:aws:s3:::bucket", "Secrets Manager secret"),
    ("TAP_DATABASE_SECRET_RECOVERY_DAYS", "0", "from 7 to 30"),
    ("TAP_STORAGE_ACCESS_LOGS_ENCRYPTION", "none", "kms .* or s3"),
    ("TAP_STORAGE_LOG_EXPIRATION_DAYS", "89", "from 90 to 3650"),
    ("TAP_STORAGE_INFREQUENT_ACCESS_DAYS", "29", "from 30"),
    ("TAP_STORAGE_NONCURRENT_VERSION_DAYS", "0", "from 1"),
    ("TAP_PROCESSING_MEMORY_MB", "127", "from 128 to 10240"),
    ("TAP_PROCESSING_TIMEOUT_SECONDS", "901", "from 1 to 900"),
    ("TAP_PROCESSING_RESERVED_CONCURRENCY", "-2", "-1 .none reserved."),
    ("TAP_PROCESSING_MAXIMUM_CONCURRENCY", "1", "from 2 to 1000"),
    ("TAP_PROCESSING_MAXIMUM_CONCURRENCY", "1001", "from 2 to 1000"),
    ("TAP_PROCESSING_MAXIMUM_CONCURRENCY", "11", "up to 10, the value of processing.reserved"),
    ("TAP_PROCESSING_BATCH_SIZE", "0", "from 1 to 10000"),
    ("TAP_PROCESSING_BATCH_SIZE", "10001", "from 1 to 10000"),
    ("TAP_PROCESSING_BATCH_SIZE", "11", "up to 10 without a batching window"),
    ("TAP_PROCESSING_BATCHING_WINDOW_SECONDS", "301", "from 0 to 300"),
    ("TAP_PROCESSING_DATABASE_CA_BUNDLE", "ca.pem", "such as /opt/ca.pem"),
    ("TAP_STORAGE_INCOMING_EXPIRATION_DAYS", "0", "from 1"),
    ("TAP_STORAGE_QUARANTINE_EXPIRATION_DAYS", "3651", "from 1"),
    ("TAP_PROCESSING_LOG_LEVEL", "TRACE", "DEBUG, INFO, WARNING or ERROR"),
    ("TAP_MONITORING_LOG_RETENTION_DAYS", "91", "30, 60, 90, 120"),
    ("TAP_MONITORING_ALARM_EMAIL", "example.com", "an e-mail address"),
    ("TAP_MONITORING_TRAIL", "perhaps", "true or false"),
    ("TAP_MONITORING_CONFIG_RECORDER", "2", "true or false"),
    ("TAP_MONITORING_CONFIG_RULES_OFF", "s3-kmz", "names among s3-encryption, s3-kms"),
    ("TAP_TAGS_OWNER", "who?", "1 to 256 letters"),
    ("TAP_TAGS_PROJECT", "x" * 257, "1 to 256 letters"),
]


@pytest.mark.parametrize(
    ("variable", "value", "accepted"), CASES, ids=[f"{case[0]}={case[1]:.25}" for case in CASES]
)
def test_invalid_variables_are_rejected(
    variable: str, value: str, accepted: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, **{variable: value})
    found = LINE.fullmatch(line)
    assert found
    assert found["field"] == variable
    assert found["received"].strip("'") in value
    assert re.search(accepted, found["accepted"])


@pytest.mark.parametrize("value", ["0", str(CIS_ALARMS[-1].number + 1), "four"])
def test_invalid_number_in_a_list_is_rejected(value: str, empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, TAP_MONITORING_CIS_ALARMS_OFF=f"1,{value}")
    assert line.startswith(f"TAP_MONITORING_CIS_ALARMS_OFF: received '{value}'; accepted: numbers")


def test_state_bucket_is_required(empty_directory: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, empty_directory)
    message = str(caught.value)
    assert message.startswith("TERRAFORM_STATE_BUCKET: received nothing; accepted: the name of")
    assert message.endswith("Set TERRAFORM_STATE_BUCKET or config/dev.toml accordingly.")


@pytest.mark.parametrize(
    ("variable", "accepted"),
    [
        ("TAP_NETWORK_CIRD", "subnet_prefix, interface_endpoints"),
        ("TAP_NETWROK_CIDR", "environment_suffix, aws_region"),
        ("TAP_MONITORING", "log_retention_days, alarm_email"),
        ("TAP_WEB_DATABASE_NAM", "engine_version, storage_gb"),
        ("TAP_WEB_DATABASES", "domain_name, hosted_zone_id"),
        ("TAP_X", "environment_suffix, aws_region"),
        ("TAP_AWS_REGION", "environment_suffix, aws_region"),
    ],
)
def test_unknown_variables_are_rejected(
    variable: str, accepted: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, **{variable: "x"})
    assert line.startswith(f"{variable}: received 'x'; accepted: one of ")
    assert accepted in line
    assert line.endswith("Correct or remove the name.")


@pytest.mark.parametrize("first", ["STACKS", "TAP_STACKS"])
def test_variable_without_section_and_with_prefix_is_rejected(
    first: str, empty_directory: Path
) -> None:
    variables = dict.fromkeys([first, "STACKS", "TAP_STACKS"], "tap")
    (line,) = rejected(empty_directory, **variables)
    assert line.startswith("TAP_STACKS: received 'tap'; accepted: ")


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ('aws_region = "mars"', "aws_region"),
        ("aws_region = 5", "aws_region"),
        ('aws_region = ["us-east-1"]', "aws_region"),
        ("environment_suffix = 1", "environment_suffix"),
        ('[network]\ncidr = "10.0.0.0/8"', "network.cidr"),
        ("[network]\ncidr = 10", "network.cidr"),
        ('[network]\navailability_zones = ["us-east-1a"]', "network.availability_zones"),
        ("network = 5", "network"),
        ("[network]\ncird = 5", "network.cird"),
        ("[netwrok]\ncidr = 5", "netwrok"),
        ('[database]\nexisting_secret_arn = "x"', "database.existing_secret_arn"),
    ],
)
def test_invalid_values_in_the_file_are_rejected(
    toml: str, field: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, toml)
    assert line.startswith(f"{field} in config/dev.toml: received ")


def test_file_with_invalid_toml_is_rejected(empty_directory: Path) -> None:
    (empty_directory / "dev.toml").write_text("[network\n")
    with pytest.raises(SettingsError, match=r"^config/dev\.toml: received invalid TOML"):
        load_settings(BUCKET, empty_directory)


def test_binary_file_is_rejected(empty_directory: Path) -> None:
    (empty_directory / "dev.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^config/dev\.toml: received invalid TOML"):
        load_settings(BUCKET, empty_directory)


def test_file_with_the_suffix_of_another_environment_is_rejected(empty_directory: Path) -> None:
    """With such a file a deployment of `dev` would change another environment."""
    (line,) = rejected(empty_directory, 'environment_suffix = "prod"')
    assert line.startswith("environment_suffix in config/dev.toml: received 'prod'")


def test_each_error_has_a_line(empty_directory: Path) -> None:
    lines = rejected(
        empty_directory,
        '[tags]\nowner = "?"',
        AWS_REGION="mars",
        TAP_DATABASE_READER_COUNT="99",
        TAP_DATABASE_ENGINE_VERSION="1",
    )
    assert sorted(line.split(":")[0] for line in lines) == [
        "AWS_REGION",
        "TAP_DATABASE_ENGINE_VERSION",
        "TAP_DATABASE_READER_COUNT",
        "tags.owner in config/dev.toml",
    ]


def test_all_fields_have_a_description() -> None:
    sections = [Settings] + [
        field.annotation
        for field in Settings.model_fields.values()
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields")
    ]
    without_description = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if not field.description and not hasattr(field.annotation, "model_fields")
    ]
    assert len(sections) == 10
    assert without_description == []
    assert {*PLAIN_VARIABLES.values()} <= {*Settings.model_fields}


def test_zones_are_required_in_regions_without_default_zones(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, AWS_REGION="us-west-1")
    assert line.startswith("TAP_NETWORK_AVAILABILITY_ZONES: received ''; accepted: two or more")
