"""Errors of settings: one line each with field, value received, values accepted, correction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lib.monitoring.cis_table import CIS_ALARMS
from lib.settings import PLAIN_VARIABLES, Settings, SettingsError, load_settings
from lib.settings.fields import FieldError

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
KEY = "arn:aws:kms:{}:123456789012:key/0-1"
SECRET = "arn:aws:secretsmanager:{}:123456789012:secret:master-AbCdEf"
CASES = [
    ("ENVIRONMENT_SUFFIX", "Dev", "lower-case letters"),
    ("ENVIRONMENT_SUFFIX", "a--b", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "-a", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "a-", "single hyphens"),
    ("ENVIRONMENT_SUFFIX", "a_b", "1 to 20"),
    ("ENVIRONMENT_SUFFIX", "x" * 21, "1 to 20"),
    ("AWS_REGION", "us-east-9", "an AWS Region"),
    ("AWS_REGION", "aws-global", "an AWS Region"),
    ("TERRAFORM_STATE_BUCKET", "Upper", "S3 bucket: lowercase letters"),
    ("TERRAFORM_STATE_BUCKET", "ab", "3 to 63"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    *(
        ("TERRAFORM_STATE_BUCKET", name, "S3 bucket: lowercase letters, digits, hyphens")
        for name in (
            *("a..b", "-ab", "ab-", "a_b", ".ab", "192.168.5.4", "xn--states", "sthree-states"),
            *("amzn-s3-demo-states", "states-s3alias", "states--ol-s3", "states.mrap"),
            *("states--x-s3", "states--table-s3"),
        )
    ),
    ("TERRAFORM_STATE_BUCKET", "x" * 64, "3 to 63"),
    ("TERRAFORM_STATE_BUCKET_REGION", "mars", "an AWS Region"),
    ("TERRAFORM_STATE_KMS_KEY_ARN", "alias/key", "the ARN of a KMS key"),
    ("TAP_NETWORK_CIDR", "10.0.0.0", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.1/16", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/15", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/29", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "fd00::/48", "an IPv4 network"),
    ("TAP_NETWORK_CIDR", "127.0.0.0/16", "outside the reserved ranges 0.0.0.0/8, 127.0.0.0/8"),
    ("TAP_NETWORK_CIDR", "0.1.0.0/16", "outside the reserved ranges"),
    ("TAP_NETWORK_CIDR", "169.254.8.0/24", "outside the reserved ranges"),
    ("TAP_NETWORK_CIDR", "224.0.0.0/16", "outside the reserved ranges"),
    ("TAP_NETWORK_CIDR", "240.0.0.0/16", "outside the reserved ranges"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/255.255.0.0", "between /16 and /28"),
    ("TAP_NETWORK_CIDR", "10.0.0.0/24", "that contains 2 subnets of /24"),
    ("TAP_NETWORK_SUBNET_PREFIX", "29", "from 16 to 28"),
    ("TAP_NETWORK_SUBNET_PREFIX", "a", "from 16 to 28"),
    (ZONES, "us-east-1a", "two or more different zones"),
    (ZONES, "us-east-1a,us-east-1a", "two or more different zones"),
    (ZONES, "us-east-1a,us-west-2a", "zones of the Region us-east-1"),
    (ZONES, "us-east-1a,us-east-1", "zones of the Region us-east-1"),
    (ZONES, "use1-az1,usw2-az1", "zones of the Region us-east-1"),
    (ZONES, "use1-az1,us-east-1a", "either zone ids or names"),
    (ZONES, "use1-az1,use1-az3", "zones with Lambda and current instance types"),
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
    ("TAP_DATABASE_ENGINE_VERSION", "13.20", "of 13 ended on 2026-02-28"),
    ("TAP_DATABASE_ENGINE_VERSION", "13", "from 14 to 18 .the standard support"),
    ("TAP_DATABASE_ENGINE_VERSION", "99.1", "MAJOR from 14 to 18$"),
    ("TAP_DATABASE_ENGINE_VERSION", "8.0", "MAJOR from 14 to 18$"),
    ("TAP_DATABASE_INSTANCE_CLASS", "t4g.medium", "such as db.t4g.medium"),
    ("TAP_DATABASE_INSTANCE_CLASS", "db.t2.micro", "of the family t3 .medium, large., t4g"),
    # Aurora has fewer sizes of this family than RDS.
    ("TAP_DATABASE_INSTANCE_CLASS", "db.t4g.micro", "t4g .medium, large."),
    ("TAP_DATABASE_INSTANCE_CLASS", "db.serverless", "such as db.t4g.medium"),
    ("TAP_DATABASE_READER_COUNT", "16", "from 0 to 15"),
    ("TAP_DATABASE_READER_COUNT", "-1", "from 0 to 15"),
    ("TAP_DATABASE_READER_COUNT", "many", "from 0 to 15"),
    ("TAP_DATABASE_BACKUP_RETENTION_DAYS", "0", "from 1 to 30"),
    ("TAP_DATABASE_BACKUP_RETENTION_DAYS", "31", "KMS keeps the key that encrypts the backups"),
    ("TAP_DATABASE_EXTENDED_SUPPORT", "later", "true or false"),
    ("TAP_DATABASE_NAME", "1tap", "lower-case identifier"),
    ("TAP_DATABASE_USERNAME", "rdsadmin", "not admin or rdsadmin"),
    ("TAP_DATABASE_USERNAME", "a" * 17, "at most 16"),
    ("TAP_DATABASE_PASSWORD_VERSION", "0", "raise it by one"),
    ("TAP_DATABASE_EXISTING_SECRET_ARN", "my-secret", "ARN of a Secrets Manager secret"),
    ("TAP_DATABASE_EXISTING_SECRET_ARN", "arn:aws:s3:::bucket", "Secrets Manager secret"),
    ("TAP_DATABASE_SECRET_RECOVERY_DAYS", "0", "from 7 to 30"),
    ("TAP_STORAGE_ACCESS_LOGS_ENCRYPTION", "none", "s3 .* or kms .*unsupported"),
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
    ("TAP_PROCESSING_DATABASE_CA_BUNDLE", "ca.txt", "such as /opt/ca.pem"),
    ("TAP_STORAGE_INCOMING_EXPIRATION_DAYS", "0", "from 1"),
    ("TAP_STORAGE_QUARANTINE_EXPIRATION_DAYS", "3651", "from 1"),
    ("TAP_PROCESSING_LOG_LEVEL", "TRACE", "DEBUG, INFO, WARNING or ERROR"),
    ("TAP_MONITORING_LOG_RETENTION_DAYS", "91", "30, 60, 90, 120"),
    ("TAP_MONITORING_ALARM_EMAIL", "example.com", "an e-mail address"),
    *(
        ("TAP_MONITORING_ALARM_SUBSCRIBERS", receiver, "HTTPS URLs, and ARNs of SQS queues")
        for receiver in (
            *("http://example.com", "ops@example.com", "https://"),
            "arn:aws:sqs:us-east-1:123456789012:alarms.fifo",
            "arn:aws:s3:::bucket",
        )
    ),
    ("TAP_PRODUCTION", "perhaps", "true or false"),
    *(
        ("TAP_STORAGE_DELETION_USERS", principal, "ARNs of IAM users")
        for principal in (
            "second",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:role/admin",
            "arn:aws:sts::123456789012:assumed-role/admin/me",
        )
    ),
    ("TAP_MONITORING_AUDIT_LOCK_DAYS", "-1", "up to 3650"),
    ("TAP_MONITORING_TRAIL", "perhaps", "true or false"),
    ("TAP_MONITORING_CONFIG_RECORDER", "2", "true or false"),
    ("TAP_MONITORING_CONFIG_RULES_OFF", "s3-kmz", "names among s3-encryption, s3-kms"),
    ("TAP_TAGS_OWNER", "who?", "1 to 256 letters"),
    ("TERRAFORM_STATE_KMS_KEY_ARN", KEY.format("eu-west-1"), "terraform_state_bucket_region"),
    ("TAP_DATABASE_EXISTING_SECRET_ARN", SECRET.format("eu-west-1"), "in us-east-1"),
    ("STACKS", "taps", "names among tap, bastion"),
    ("AWS_ACCOUNT_ID", "12345", "the 12 digits"),
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
        ("TAP_NETWORK_CIRD", "TAP_NETWORK_ .*CIDR, .*Rename it to TAP_NETWORK_CIDR, or remove it"),
        ("TAP_NETWROK_CIDR", "SECTION among TAGS, NETWORK, .*Rename it to TAP_NETWORK_CIDR"),
        ("TAP_DATABSE_READER_COUNT", "Rename it to TAP_DATABASE_READER_COUNT, or remove it"),
        (
            "TAP_MONITORING",
            "TAP_MONITORING_ .*TRAIL, .*Correct or remove the name",
        ),
        ("TAP_WEB_DATABASE_NAM", "STORAGE_GB.*Rename it to TAP_WEB_DATABASE_NAME"),
        ("TAP_WEB_DATABASES", "TAP_WEB_ followed by one of .*DOMAIN_NAME"),
        ("TAP_X", "SECTION among TAGS, .*Correct or remove the name"),
        ("TAP_AWS_REGION", "Rename it to AWS_REGION, or remove it"),
    ],
)
def test_unknown_variables_are_rejected_and_the_closest_name_is_suggested(
    variable: str, accepted: str, empty_directory: Path
) -> None:
    (line,) = rejected(empty_directory, **{variable: "x"})
    assert line.startswith(f"{variable}: received 'x'; accepted: TAP_")
    assert re.search(accepted, line)


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


def test_numbers_without_quotes_are_explained(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, "[database]\nengine_version = 16.9")
    assert line.startswith(
        "database.engine_version in config/dev.toml: received 16.9; accepted: text in quotes: "
    )
    assert line.endswith('Put the value in quotes in config/dev.toml: "16.9".')


def test_value_in_place_of_a_section_is_explained(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, "database = 3")
    assert line.startswith("database in config/dev.toml: received 3; accepted: a table of engine")
    assert line.endswith(
        "Write [database] in config/dev.toml, and one line for each field below it."
    )


def test_misspelled_names_in_the_file_are_corrected(empty_directory: Path) -> None:
    lines = rejected(empty_directory, "[netwrok]\ncidr = 5\n[database]\nreader_cuont = 1")
    assert lines[0].endswith(". Rename it to reader_count, or remove it.")
    assert lines[1].endswith(". Rename it to network, or remove it.")


def test_source_of_an_invalid_value_is_named_in_the_correction(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, "[database]\nreader_count = 99")
    assert line.endswith(" Correct config/dev.toml.")
    (line,) = rejected(empty_directory, "", TAP_DATABASE_READER_COUNT="98")
    assert line.endswith(" Correct TAP_DATABASE_READER_COUNT.")


@pytest.mark.parametrize("suffix", ["Dev", "x" * 300, "../dev", "a/b"])
def test_invalid_suffix_names_no_file(suffix: str, empty_directory: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"ENVIRONMENT_SUFFIX": suffix}, empty_directory)
    # The bucket may be set in the file of the environment.
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"ENVIRONMENT_SUFFIX: received '{suffix[:20]}")
    assert line.endswith("such as dev or pr123. Correct ENVIRONMENT_SUFFIX.")
    assert len(line) < 300


def test_long_values_are_shortened(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, TAP_TAGS_PROJECT="x" * 257)
    assert line.startswith(f"TAP_TAGS_PROJECT: received '{'x' * 80}'… (257 characters); accepted")


def test_region_of_an_unsupported_partition_is_explained(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, AWS_REGION="cn-north-1")
    assert "accepted: a Region of the partitions aws and aws-us-gov" in line
    assert "principals of aws-cn differ" in line
    (line,) = rejected(empty_directory, AWS_REGION="eu-central1")
    assert line.endswith("Correct it, for example to eu-central-1.")


def test_file_that_cannot_be_read_is_reported(empty_directory: Path) -> None:
    (empty_directory / "dev.toml").mkdir()
    with pytest.raises(SettingsError) as caught:
        load_settings(BUCKET, empty_directory)
    assert str(caught.value) == (
        "config/dev.toml: received Is a directory; accepted: a file that can be read."
        " Correct its permissions, or remove it."
    )


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


FIELDS = [
    (section, name)
    for section, model in [
        ("", Settings),
        *((n, f.annotation) for n, f in Settings.model_fields.items()),
    ]
    if isinstance(model, type) and issubclass(model, BaseModel)
    for name, field in model.model_fields.items()
    if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
]


@pytest.mark.parametrize(("section", "name"), FIELDS, ids=lambda part: part)
@given(before=st.text("abc$%{ ,/"), template=st.sampled_from(["${", "%{"]), after=st.text("abc.} "))
@hypothesis_settings(max_examples=5, deadline=None)
def test_templates_of_terraform_are_rejected_in_every_field(
    section: str, name: str, before: str, template: str, after: str
) -> None:
    """Every section derives from `Section`, which rejects them before the field's own rules."""
    text = f"{before}{template}{after}"
    for value in (text, ["a", text]):
        given_values = {section: {name: value}} if section else {name: value}
        with pytest.raises(ValidationError) as caught:
            Settings.model_validate({"terraform_state_bucket": "some-bucket"} | given_values)
        location = (section, name) if section else (name,)
        causes = {one["loc"]: one.get("ctx", {}).get("error") for one in caught.value.errors()}
        cause = causes[location]
        assert isinstance(cause, FieldError), causes
        assert "${ and %{" in cause.accepted


def test_template_in_a_variable_has_one_message(empty_directory: Path) -> None:
    key = f"ssh-ed25519 {'A' * 68} ${{var.comment}}"
    (line,) = rejected(empty_directory, TAP_BASTION_PUBLIC_KEY=key)
    assert line.startswith("TAP_BASTION_PUBLIC_KEY: received 'ssh-ed25519 ")
    assert line.endswith("evaluates as templates. Remove these characters.")


def test_regional_arns_of_stacks_that_are_not_deployed_are_not_compared(
    empty_directory: Path,
) -> None:
    other = {"TAP_DATABASE_EXISTING_SECRET_ARN": SECRET.format("eu-west-1"), "STACKS": "state"}
    assert load_settings(BUCKET | other, empty_directory).stacks == ("state",)


def test_arn_of_another_partition_is_rejected(empty_directory: Path) -> None:
    arn = SECRET.format("us-east-1").replace("aws:", "aws-us-gov:", 1)
    (line,) = rejected(empty_directory, TAP_DATABASE_EXISTING_SECRET_ARN=arn)
    assert "an ARN in us-east-1" in line


def test_production_requires_a_receiver_of_alarms(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, "production = true")
    assert line == (
        "TAP_MONITORING_ALARM_EMAIL: received nothing; accepted: an e-mail address, or"
        " monitoring.alarm_subscribers, because production is true. Set TAP_MONITORING_ALARM_EMAIL,"
        " TAP_MONITORING_ALARM_SUBSCRIBERS or alarm_email under [monitoring] in config/dev.toml."
    )
    assert rejected(empty_directory, TAP_PRODUCTION="true", STACKS="state,web,tap") != []


@pytest.mark.parametrize(
    "receiver",
    [
        {"TAP_MONITORING_ALARM_EMAIL": "ops@example.com"},
        {"TAP_MONITORING_ALARM_SUBSCRIBERS": "https://events.example.com/x"},
        {"STACKS": "state"},
    ],
)
def test_production_with_a_receiver_or_without_alarms_is_accepted(
    receiver: dict[str, str], empty_directory: Path
) -> None:
    settings = load_settings(BUCKET | {"TAP_PRODUCTION": "true"} | receiver, empty_directory)
    assert settings.production
    assert settings.warnings == ()


def test_environments_without_a_receiver_have_one_warning(empty_directory: Path) -> None:
    settings = load_settings(BUCKET, empty_directory)
    (warning,) = settings.warnings
    assert LINE.fullmatch(warning)
    assert not settings.production


def test_config_of_prod_is_marked_as_production() -> None:
    with pytest.raises(SettingsError, match="because production is true"):
        load_settings({"ENVIRONMENT_SUFFIX": "prod"})


def test_zones_are_required_in_regions_without_default_zones(empty_directory: Path) -> None:
    (line,) = rejected(empty_directory, AWS_REGION="us-west-1")
    assert line.startswith(
        "TAP_NETWORK_AVAILABILITY_ZONES: received nothing; accepted: two or more zones of us-west-1"
    )
    assert "aws ec2 describe-availability-zones --region us-west-1" in line
