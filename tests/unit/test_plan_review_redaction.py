"""No report contains a sensitive value, whatever part of the plan contains it."""

from __future__ import annotations

import base64
import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.plan_documents import allow, change, plan, policy, reviewed, synthesized
from tools.drift.report import report as drift_report
from tools.plan_review import evaluate, report
from tools.plan_review.drift import detect_drift
from tools.plan_review.redaction import Redactor, is_secret_name, sensitive_texts
from tools.plan_review.values import Sensitive

SECRET = "planted-Hunter2"


def plan_with_secret(secret: str) -> dict[str, Any]:
    """Return a plan with a secret in one place that is marked and in many that are not."""
    after = {
        "description": f"not {secret} here",
        "nested": [{"inner": {"deep": secret}}],
        "keys": {secret: "as a name"},
        "policy": policy(allow("s3:*", f"arn:aws:s3:::one/{secret}", Sid="Allowed")),
        "encoded": base64.b64encode(secret.encode()).decode(),
        "user_data": f"#!/bin/sh\nexport P={secret}",
    }
    before = {"description": f"old {secret}", "nested": []}
    other = {"ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_ipv4": secret}
    marked = change(
        "aws_thing",
        {"value": "x"},
        {"value": secret},
        name="Marked",
        sensitive={"value": True},
    )
    changes = [
        marked,
        change("aws_sns_topic", before, after, name="Changed"),
        change("aws_iam_policy", None, after, name="New"),
        change("aws_s3_bucket", after, None, name="Gone", action_reason="delete_by_" + secret),
        change(
            *("aws_rds_cluster", before, after),
            name="Replaced",
            action="replace",
            replace_paths=[["description"], ["nested", 0, secret]],
        ),
        change("aws_vpc_security_group_ingress_rule", None, other, name="Rule"),
        change(
            "aws_instance", {"instance_type": "t3.micro"}, {"instance_type": secret}, name="Size"
        ),
        change("aws_sns_topic", {"tags": {}}, {"tags": {"T": secret}}, name="Tagged", index=secret),
        change("aws_sns_topic", None, {"name": "a"}, name="Each", index=secret),
    ]
    return {"resource_changes": changes, "resource_drift": changes[:2]}


def reports(parts: dict[str, Any]) -> list[str]:
    made = plan(*parts.pop("resource_changes"), **parts)
    found = detect_drift(made)
    result = evaluate([made])
    return [
        report(result),
        report(result, limit=None),
        report(result, limit=2000),
        drift_report([(made, found)], {}, ""),
    ]


def test_a_secret_that_is_marked_once_is_redacted_in_all_places() -> None:
    for text in reports(plan_with_secret(SECRET)):
        assert SECRET not in text
        assert base64.b64encode(SECRET.encode()).decode() not in text
    # The text around the secret remains.
    assert "Allow Allowed" in reports(plan_with_secret(SECRET))[1]


secrets = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "\"'\\`|<>&*_ \n${}[]()#@~äß😀/+=.-"),
    min_size=8,
    max_size=40,
).filter(lambda text: len(text.strip()) >= 8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secrets)
def test_secrets_of_any_form_are_redacted(secret: str) -> None:
    # Reports contain this text only if it comes from the plan.
    secret = f"Zq{secret}9x"
    for text in reports(plan_with_secret(secret)):
        assert secret not in text
        assert " ".join(secret.split()) not in text


@pytest.mark.parametrize(
    "part",
    [
        {
            "output_changes": {
                "o": {"actions": ["create"], "after": SECRET, "after_sensitive": True}
            }
        },
        {
            "prior_state": {
                "values": {
                    "root_module": {
                        "child_modules": [
                            {
                                "resources": [
                                    {
                                        "address": "data.a.b",
                                        "mode": "data",
                                        "type": "a",
                                        "values": {"v": {"w": [SECRET]}},
                                        "sensitive_values": {"v": {"w": [True]}},
                                    }
                                ]
                            }
                        ]
                    }
                }
            }
        },
        {
            "planned_values": {"outputs": {"o": {"value": SECRET, "sensitive": True}}},
        },
        {
            "variables": {"v": {"value": SECRET}},
            "configuration": {"root_module": {"variables": {"v": {"sensitive": True}}}},
        },
        {"variables": {"admin_password": {"value": SECRET}}},
    ],
    ids=lambda part: next(iter(part)),
)
def test_marks_in_every_part_of_a_plan_are_applied(part: dict[str, Any]) -> None:
    seen = change("aws_sns_topic", {"display_name": "a"}, {"display_name": f"b {SECRET}"})
    assert SECRET in report(reviewed(seen))
    assert SECRET not in report(reviewed(seen, **part))


@pytest.mark.parametrize(
    "name",
    [
        *("password", "master_password", "secret_string", "private_key", "auth_token"),
        *("DB_PASSWORD", "client_secret", "secret_string_wo", "api_key", "ApiKey"),
    ],
)
def test_attributes_with_the_name_of_a_secret_are_redacted(name: str) -> None:
    assert is_secret_name(name)
    environment = [{"variables": {name: "in-the-clear", "LEVEL": "INFO"}}]
    changed = [{"variables": {name: "another-one", "LEVEL": "DEBUG"}}]
    entry = change("aws_lambda_function", {"environment": environment}, {"environment": changed})
    text = report(reviewed(entry))
    assert "in-the-clear" not in text
    assert "another-one" not in text
    assert "INFO → DEBUG" in text or "secret changed" in text


@pytest.mark.parametrize(
    "name",
    [
        *("secret_arn", "password_version", "secret_string_wo_version", "http_tokens"),
        *("kms_key_id", "secret_name", "min_password_length", "recovery_window_in_days"),
    ],
)
def test_attributes_that_describe_secrets_are_not_redacted(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "postgres://user:hunter22@host/db",
        "-----BEGIN RSA PRIVATE KEY-----",
        "key AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "ghp_" + "a" * 36,
    ],
)
def test_values_with_the_form_of_a_secret_are_redacted(value: str) -> None:
    assert isinstance(Redactor(()).value(value, None), Sensitive)
    assert value not in report(reviewed(change("aws_x", {"a": "b"}, {"a": value})))


def test_user_data_is_not_shown_and_is_not_a_secret() -> None:
    entry = change("aws_instance", {"user_data": "1" * 40}, {"user_data": "2" * 40})
    result = reviewed(entry)
    assert result.findings == []
    assert "user_data: (not shown), changed" in report(result)


def test_sensitive_values_compare_by_equality_and_reveal_nothing() -> None:
    assert Sensitive.of("one") == Sensitive.of("one")
    assert Sensitive.of("one") != Sensitive.of("two")
    assert "fingerprint" not in repr(Sensitive.of("one"))
    assert str(Sensitive.of("one")) == "(sensitive)"


def test_a_mark_of_unknown_form_redacts() -> None:
    assert isinstance(Redactor(()).value("value", {"odd": [1]}), Sensitive)
    assert isinstance(Redactor(()).value(["value"], True)[0], Sensitive)
    assert list(sensitive_texts(["value"], True)) == ["value"]


def test_of_a_secret_document_the_password_is_redacted_and_the_user_name_is_not() -> None:
    document = json.dumps({"username": "tap_master", "password": SECRET})
    secret = change(
        *("aws_secretsmanager_secret_version", None, {"secret_string": document}),
        name="Secret",
        sensitive={"secret_string": True},
    )
    topic = change("aws_sns_topic", {"name": "a"}, {"name": f"tap_master {SECRET}"}, name="Topic")
    cluster = change("aws_x", {"name": "a"}, {"name": "tap_master"}, name="Cluster")
    text = report(reviewed(secret, topic, cluster))
    assert SECRET not in text
    assert "name: a → tap_master" in text


def test_a_secret_in_the_source_of_an_unknown_attribute_is_redacted() -> None:
    entry = change("aws_iam_policy", None, {}, unknown={"policy": True, "password": True})
    code = {"policy": policy(allow("s3:Get*", "${aws_s3_bucket.X.arn}")), "password": SECRET}
    text = report(reviewed(entry, source=synthesized(entry, Thing_Resource=code)))
    assert SECRET not in text
    assert "+   s3:Get*" in text
