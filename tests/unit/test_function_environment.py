"""Environment variables of the function."""

from pathlib import Path

import pytest

from database import DatabaseSettings
from environment import Environment, InvalidEnvironmentError
from report_model import Limits

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev-AbCdEf"
REQUIRED = {
    "DATA_BUCKET": "data-dev",
    "KMS_KEY_ARN": KEY_ARN,
    "DATABASE_SECRET_ARN": SECRET_ARN,
}
LAMBDA = Path(__file__).parents[2] / "lambda"


def rejection(**variables: str) -> str:
    with pytest.raises(InvalidEnvironmentError) as caught:
        Environment.read(REQUIRED | variables)
    return str(caught.value)


def test_default_values() -> None:
    assert Environment.read(REQUIRED) == Environment(
        data_bucket="data-dev",
        kms_key_arn=KEY_ARN,
        incoming_prefix="incoming/",
        processed_prefix="processed/",
        quarantine_prefix="quarantine/",
        suffix="dev",
        log_level="INFO",
        limits=Limits(),
        database=DatabaseSettings(
            secret_arn=SECRET_ARN,
            ca_bundle=LAMBDA / "rds-ca.pem",
            connect_timeout_seconds=5,
            statement_timeout_seconds=60,
            lock_timeout_seconds=10,
        ),
    )


def test_all_variables_are_read() -> None:
    assert Environment.read(
        {
            "DATA_BUCKET": "data.pr-7",
            "KMS_KEY_ARN": KEY_ARN.replace("aws", "aws-us-gov", 1),
            "INCOMING_PREFIX": "in/results/",
            "PROCESSED_PREFIX": "out/",
            "QUARANTINE_PREFIX": "bad/",
            "ENVIRONMENT_SUFFIX": "pr-7",
            "LOG_LEVEL": "DEBUG",
            "MAX_OBJECT_BYTES": "1000",
            "MAX_UNCOMPRESSED_BYTES": "2000",
            "MAX_RECORD_BYTES": "4096",
            "MAX_CASES": "30",
            "MAX_NAME_CHARS": "40",
            "MAX_MESSAGE_CHARS": "50",
            "MAX_DEPTH": "6",
            "DATABASE_SECRET_ARN": SECRET_ARN.replace("aws", "aws-us-gov", 1),
            "DATABASE_CA_BUNDLE": "/tmp/ca.pem",
            "DATABASE_CONNECT_TIMEOUT_SECONDS": "7",
            "DATABASE_STATEMENT_TIMEOUT_SECONDS": "8",
            "DATABASE_LOCK_TIMEOUT_SECONDS": "9",
            "DATABASE_HOST": "not read",
        }
    ) == Environment(
        data_bucket="data.pr-7",
        kms_key_arn=KEY_ARN.replace("aws", "aws-us-gov", 1),
        incoming_prefix="in/results/",
        processed_prefix="out/",
        quarantine_prefix="bad/",
        suffix="pr-7",
        log_level="DEBUG",
        limits=Limits(
            max_object_bytes=1000,
            max_uncompressed_bytes=2000,
            max_record_bytes=4096,
            max_cases=30,
            max_name_chars=40,
            max_message_chars=50,
            max_depth=6,
        ),
        database=DatabaseSettings(
            secret_arn=SECRET_ARN.replace("aws", "aws-us-gov", 1),
            ca_bundle=Path("/tmp/ca.pem"),
            connect_timeout_seconds=7,
            statement_timeout_seconds=8,
            lock_timeout_seconds=9,
        ),
    )


def test_empty_variable_has_its_default_value() -> None:
    assert Environment.read(REQUIRED | {"LOG_LEVEL": "", "MAX_CASES": ""}).limits == Limits()


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_required_variable_is_reported(name: str) -> None:
    assert rejection(**{name: ""}).startswith(f"{name}: received no value; accepted: the ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_BUCKET", "Data_Bucket"),
        ("DATA_BUCKET", "s3://data"),
        ("KMS_KEY_ARN", "alias/data"),
        ("KMS_KEY_ARN", "arn:aws:kms:us-east-1:123456789012:alias/data"),
        ("KMS_KEY_ARN", "arn:aws:s3:::data"),
        ("INCOMING_PREFIX", "incoming"),
        ("INCOMING_PREFIX", "/incoming/"),
        ("INCOMING_PREFIX", "/"),
        ("PROCESSED_PREFIX", "a b/"),
        ("PROCESSED_PREFIX", "incoming/"),
        ("PROCESSED_PREFIX", "incoming/done/"),
        ("QUARANTINE_PREFIX", "incoming/bad/"),
        ("QUARANTINE_PREFIX", "processed/"),
        ("DATABASE_SECRET_ARN", "tap-dev"),
        ("DATABASE_SECRET_ARN", KEY_ARN),
        ("DATABASE_CONNECT_TIMEOUT_SECONDS", "0"),
        ("DATABASE_CONNECT_TIMEOUT_SECONDS", "61"),
        ("DATABASE_STATEMENT_TIMEOUT_SECONDS", "901"),
        ("DATABASE_LOCK_TIMEOUT_SECONDS", "soon"),
        ("ENVIRONMENT_SUFFIX", "dev_1"),
        ("LOG_LEVEL", "info"),
        ("LOG_LEVEL", "TRACE"),
        ("MAX_CASES", "0"),
        ("MAX_CASES", "-5"),
        ("MAX_CASES", "many"),
        ("MAX_CASES", "1e3"),
        ("MAX_CASES", "100000001"),
        ("MAX_CASES", "9" * 5_000),
        ("MAX_CASES", "²"),
        ("MAX_RECORD_BYTES", "1023"),
        ("MAX_RECORD_BYTES", str(64 * 1024**2 + 1)),
        ("MAX_DEPTH", "1"),
        ("MAX_NAME_CHARS", "15"),
    ],
)
def test_invalid_value_is_reported_with_accepted_values(name: str, value: str) -> None:
    reason = rejection(**{name: value})
    assert reason.startswith(f"{name}: received '{value[:60]}")
    assert "; accepted: " in reason
    assert len(reason) < 250


def test_overlapping_prefixes_are_rejected() -> None:
    reason = rejection(INCOMING_PREFIX="processed/new/")
    assert reason == (
        "PROCESSED_PREFIX: received 'processed/'; accepted: a prefix that does not overlap"
        " 'processed/new/'"
    )


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("MAX_OBJECT_BYTES", 1, 50 * 1024**3),
        ("MAX_UNCOMPRESSED_BYTES", 1, 500 * 1024**3),
        ("MAX_RECORD_BYTES", 1024, 64 * 1024**2),
        ("MAX_CASES", 1, 100_000_000),
        ("MAX_NAME_CHARS", 16, 100_000),
        ("MAX_MESSAGE_CHARS", 16, 1_000_000),
        ("MAX_DEPTH", 2, 10_000),
    ],
)
def test_limits_are_validated_against_their_range(name: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        limits = Environment.read(REQUIRED | {name: str(value)}).limits
        assert getattr(limits, name.lower()) == value
    for value in (lowest - 1, highest + 1):
        assert f"{name}: received '{value}'; accepted: an integer from {lowest} to {highest}" in (
            rejection(**{name: str(value)})
        )


def test_all_problems_are_reported_together() -> None:
    reason = rejection(DATA_BUCKET="", LOG_LEVEL="LOUD", MAX_DEPTH="deep")
    assert [line.partition(":")[0] for line in reason.splitlines()] == [
        "DATA_BUCKET",
        "LOG_LEVEL",
        "MAX_DEPTH",
    ]
