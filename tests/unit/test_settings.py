"""Settings: precedence of sources, defaults, and names that depend on the suffix."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lib.settings import LOG_RETENTION_DAYS, Settings, SettingsError, load_settings
from lib.settings.loading import CONFIG_DIRECTORY
from tests.support.synthesis import DEFAULTS, ENVIRONMENTS, Synthesizer
from tests.support.template import Template, arguments_of

ZONES = ("us-east-1c", "us-east-1d")
BUCKET = {"TERRAFORM_STATE_BUCKET": "some-bucket"}


def loaded(directory: Path, toml: str = "", **variables: str) -> Settings:
    """The settings of the environment `dev` with `toml` as the content of its file."""
    if toml:
        (directory / "dev.toml").write_text(toml)
    return load_settings(BUCKET | variables, directory)


def test_defaults_of_the_platform(empty_directory: Path) -> None:
    settings = loaded(empty_directory)
    assert (settings.environment_suffix, settings.aws_region) == ("dev", "us-east-1")
    assert settings.stacks == ("tap",)
    assert settings.network.cidr == "10.0.0.0/16"
    assert settings.network.availability_zones == ("us-east-1a", "us-east-1b")
    assert settings.database.engine_version == "16.9"
    assert settings.database.reader_count == 1
    assert settings.database.backup_retention_days == 7
    assert settings.monitoring.log_retention_days == 90
    assert settings.monitoring.alarm_email is None
    assert settings.monitoring.trail
    assert settings.monitoring.config_recorder
    assert settings.storage.access_logs_encryption == "kms"


def test_file_takes_precedence_over_defaults(empty_directory: Path) -> None:
    settings = loaded(empty_directory, '[network]\ncidr = "10.9.0.0/16"\nsubnet_prefix = 20')
    assert settings.network.cidr == "10.9.0.0/16"
    assert settings.network.subnet_prefix == 20
    assert settings.network.flow_log_interval_seconds == 60


def test_variables_take_precedence_over_the_file_for_each_field(empty_directory: Path) -> None:
    settings = loaded(
        empty_directory,
        '[network]\ncidr = "10.9.0.0/16"\nsubnet_prefix = 20\n[tags]\nowner = "file"',
        TAP_NETWORK_CIDR="10.8.0.0/16",
        TAP_DATABASE_READER_COUNT="3",
    )
    assert settings.network.cidr == "10.8.0.0/16"
    assert settings.network.subnet_prefix == 20
    assert settings.tags.owner == "file"
    assert settings.database.reader_count == 3


def test_variables_without_section_take_precedence_over_the_file(empty_directory: Path) -> None:
    settings = loaded(
        empty_directory, 'aws_region = "eu-west-1"\nstacks = ["state"]', STACKS="tap, state"
    )
    assert settings.aws_region == "eu-west-1"
    assert settings.stacks == ("tap", "state")


def test_empty_variables_are_ignored(empty_directory: Path) -> None:
    settings = loaded(
        empty_directory,
        ENVIRONMENT_SUFFIX="",
        AWS_REGION="",
        TAP_NETWORK_CIDR="",
        TERRAFORM_STATE_KMS_KEY_ARN="",
    )
    assert settings == loaded(empty_directory)


def test_suffix_selects_the_file(empty_directory: Path) -> None:
    (empty_directory / "qa.toml").write_text('[tags]\nowner = "quality"')
    assert loaded(empty_directory, ENVIRONMENT_SUFFIX="qa").tags.owner == "quality"
    assert loaded(empty_directory, ENVIRONMENT_SUFFIX="qb").tags.owner != "quality"


def test_suffix_cannot_select_a_file_outside_the_directory(empty_directory: Path) -> None:
    (empty_directory.parent / "outside.toml").write_text('aws_region = "nowhere"')
    with pytest.raises(SettingsError) as caught:
        loaded(empty_directory, ENVIRONMENT_SUFFIX="../outside")
    assert "nowhere" not in str(caught.value)


def test_environment_of_the_process_is_the_default_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "from-the-process")
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "none-such")
    assert load_settings().terraform_state_bucket == "from-the-process"


def test_variables_with_other_prefixes_are_ignored(empty_directory: Path) -> None:
    assert loaded(empty_directory, PATH="/bin", TAPE_NETWORK="x") == loaded(empty_directory)


@pytest.mark.parametrize("suffix", ENVIRONMENTS)
def test_files_of_the_repository_are_valid(suffix: str) -> None:
    settings = load_settings({"ENVIRONMENT_SUFFIX": suffix}, CONFIG_DIRECTORY)
    assert settings.environment_suffix == suffix


def test_zones_and_state_bucket_region_depend_on_the_region(empty_directory: Path) -> None:
    settings = loaded(empty_directory, AWS_REGION="eu-central-1")
    assert settings.network.availability_zones == ("eu-central-1a", "eu-central-1b")
    assert settings.terraform_state_bucket_region == "eu-central-1"


def test_state_bucket_can_be_in_another_region(empty_directory: Path) -> None:
    settings = loaded(
        empty_directory, AWS_REGION="eu-central-1", TERRAFORM_STATE_BUCKET_REGION="us-west-2"
    )
    assert settings.terraform_state_bucket_region == "us-west-2"
    assert settings.aws_region == "eu-central-1"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov")]
)
def test_partition_of_a_region(region: str, partition: str) -> None:
    assert Settings.partition_of(region) == partition


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("TAP_NETWORK_AVAILABILITY_ZONES", "us-east-1c, us-east-1d", "network", ZONES),
        ("TAP_MONITORING_CIS_ALARMS_OFF", "3,14", "monitoring", (3, 14)),
        ("TAP_MONITORING_CONFIG_RULES_OFF", "s3-kms", "monitoring", ("s3-kms",)),
        ("TAP_NETWORK_FLOW_LOG_INTERVAL_SECONDS", "600", "network", 600),
        ("TAP_MONITORING_TRAIL", "false", "monitoring", False),
        ("TAP_MONITORING_LOG_RETENTION_DAYS", "3653", "monitoring", 3653),
        ("TAP_PROCESSING_RESERVED_CONCURRENCY", "-1", "processing", -1),
        ("TAP_PROCESSING_RESERVED_CONCURRENCY", "0", "processing", 0),
        ("TAP_PROCESSING_RESERVED_CONCURRENCY", "8", "processing", 8),
        ("TAP_PROCESSING_MAXIMUM_CONCURRENCY", "10", "processing", 10),
        ("TAP_PROCESSING_BATCH_SIZE", "10", "processing", 10),
        ("TAP_TAGS_COST_CENTER", "R + D", "tags", "R + D"),
    ],
)
def test_variables_of_a_section_are_converted(
    variable: str, value: str, field: str, expected: Any, empty_directory: Path
) -> None:
    section = getattr(loaded(empty_directory, **{variable: value}), field)
    name = variable.removeprefix(f"TAP_{field.upper()}_").lower()
    assert getattr(section, name) == expected


SECTIONS = ("tags", "network", "database", "storage", "processing", "monitoring")
DEFAULT_SETTINGS = load_settings(BUCKET, Path("no-such-directory"))


@pytest.mark.parametrize(
    ("section", "field"),
    [
        (section, field)
        for section in SECTIONS
        for field, value in getattr(DEFAULT_SETTINGS, section)
        if value not in (None, ())
    ],
)
def test_variables_accept_the_default_of_each_field(
    section: str, field: str, empty_directory: Path
) -> None:
    value = getattr(getattr(DEFAULT_SETTINGS, section), field)
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    variable = f"TAP_{section}_{field}".upper()
    assert loaded(empty_directory, **{variable: text}) == DEFAULT_SETTINGS


def test_settings_are_frozen(empty_directory: Path) -> None:
    settings = loaded(empty_directory)
    with pytest.raises(ValidationError, match="frozen"):
        settings.network.cidr = "10.1.0.0/16"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.aws_region = "us-west-2"  # type: ignore[misc]


@given(
    prefix=st.integers(16, 26),
    extra=st.integers(1, 8),
    zones=st.integers(2, 6),
)
def test_private_subnets_are_in_the_vpc_and_do_not_overlap(
    prefix: int, extra: int, zones: int
) -> None:
    subnet_prefix = min(28, prefix + extra)
    letters = ",".join(f"us-east-1{letter}" for letter in "abcdef"[:zones])
    variables = BUCKET | {
        "TAP_NETWORK_CIDR": f"10.0.0.0/{prefix}",
        "TAP_NETWORK_SUBNET_PREFIX": str(subnet_prefix),
        "TAP_NETWORK_AVAILABILITY_ZONES": letters,
    }
    no_directory = Path("no-such-directory")
    if 2 ** (subnet_prefix - prefix) < zones:
        with pytest.raises(SettingsError, match="TAP_NETWORK_CIDR"):
            load_settings(variables, no_directory)
        return
    network = load_settings(variables, no_directory).network
    subnets = [ipaddress.IPv4Network(subnet) for subnet in network.subnets("private")]
    assert len(subnets) == zones
    assert all(s.subnet_of(ipaddress.IPv4Network(network.cidr)) for s in subnets)
    assert not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)


def test_retention_days_are_those_of_cloudwatch_logs() -> None:
    assert 90 in LOG_RETENTION_DAYS
    assert 91 not in LOG_RETENTION_DAYS
    assert len(LOG_RETENTION_DAYS) == len(set(LOG_RETENTION_DAYS)) == 22


def physical_names(template: Template) -> set[tuple[str, str]]:
    """Type and literal name of each resource with a name, and the namespaces of metrics."""
    found = set()
    for resource in template.resources():
        for argument in ("name", "name_prefix", "bucket", "identifier", "cluster_identifier"):
            found.add((resource.type, str(resource.get(argument, "${"))))
        for argument in ("function_name", "alarm_name", "dashboard_name"):
            found.add((resource.type, str(resource.get(argument, "${"))))
        transformation = resource.get("metric_transformation", {})
        if isinstance(transformation, dict) and "namespace" in transformation:
            found.add(("namespace", transformation["namespace"]))
    return {(type_, name) for type_, name in found if not name.startswith("${")}


def test_two_environments_have_no_common_names(synth: Synthesizer) -> None:
    one, other = (
        physical_names(synth("tap", ENVIRONMENT_SUFFIX=suffix)) for suffix in ("unit", "pr-7")
    )
    assert len(one) == len(other) > 90
    assert one & other == set()


def test_no_resource_type_starts_with_another_and_a_hyphen(tap: Template) -> None:
    """Otherwise the name of `x` in the environment `y-dev` is that of `x-y` in `dev`."""
    suffix = DEFAULTS["ENVIRONMENT_SUFFIX"]
    by_type: dict[str, set[str]] = {}
    for type_, name in physical_names(tap):
        by_type.setdefault(type_, set()).add(name.split(f"-{suffix}")[0])
    clashes = [
        (type_, kind, other)
        for type_, kinds in by_type.items()
        for kind in kinds
        for other in kinds
        if other.startswith(f"{kind}-")
    ]
    assert clashes == []


def test_arguments_of_names_are_in_the_schema() -> None:
    assert "alarm_name" in arguments_of("aws_cloudwatch_metric_alarm")
    assert "function_name" in arguments_of("aws_lambda_function")
