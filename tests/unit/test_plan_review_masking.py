"""No sensitive value gets into a report, wherever in a plan it stands."""

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
from tools.plan_review import outside, report, review
from tools.plan_review.masking import Cover, Sensitive, mask, named_like_a_secret, sensitive_texts

SECRET = "planted-Hunter2"


def everywhere(secret: str) -> dict[str, Any]:
    """A plan that holds a secret in one marked place and in many that nobody marked."""
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


def reports(document: dict[str, Any]) -> list[str]:
    made = plan(*document.pop("resource_changes"), **document)
    found = outside.drift(made)
    judged = review([made])
    return [
        report(judged),
        report(judged, limit=None),
        report(judged, limit=2000),
        drift_report([(made, found)], {}, ""),
    ]


def test_a_secret_marked_once_is_covered_everywhere() -> None:
    for text in reports(everywhere(SECRET)):
        assert SECRET not in text
        assert base64.b64encode(SECRET.encode()).decode() not in text
    # What is around it is still to be read.
    assert "Allow Allowed" in reports(everywhere(SECRET))[1]


secrets = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "\"'\\`|<>&*_ \n${}[]()#@~äß😀/+=.-"),
    min_size=8,
    max_size=40,
).filter(lambda text: len(text.strip()) >= 8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secrets)
def test_no_secret_of_any_form_gets_through(secret: str) -> None:
    # Unlike words that reports have anyway, this can come from the plan alone.
    secret = f"Zq{secret}9x"
    for text in reports(everywhere(secret)):
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
def test_every_part_of_a_plan_may_say_what_is_sensitive(part: dict[str, Any]) -> None:
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
def test_names_of_secrets(name: str) -> None:
    assert named_like_a_secret(name)
    environment = [{"variables": {name: "in-the-clear", "LEVEL": "INFO"}}]
    changed = [{"variables": {name: "another-one", "LEVEL": "DEBUG"}}]
    entry = change("aws_lambda_function", {"environment": environment}, {"environment": changed})
    text = report(reviewed(entry))
    assert "in-the-clear" not in text
    assert "another-one" not in text
    assert "INFO → DEBUG" in text or "a secret gets a new value" in text


@pytest.mark.parametrize(
    "name",
    [
        *("secret_arn", "password_version", "secret_string_wo_version", "http_tokens"),
        *("kms_key_id", "secret_name", "min_password_length", "recovery_window_in_days"),
    ],
)
def test_names_that_are_about_secrets(name: str) -> None:
    assert not named_like_a_secret(name)


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
def test_what_looks_like_a_secret_is_not_shown(value: str) -> None:
    assert isinstance(mask(value, None, Cover(())), Sensitive)
    assert value not in report(reviewed(change("aws_x", {"a": "b"}, {"a": value})))


def test_scripts_are_not_shown_nor_taken_for_secrets() -> None:
    entry = change("aws_instance", {"user_data": "1" * 40}, {"user_data": "2" * 40})
    judged = reviewed(entry)
    assert judged.findings == []
    assert "user_data: (not shown), another value" in report(judged)


def test_equal_secrets_are_equal_and_tell_nothing_more() -> None:
    assert Sensitive.of("one") == Sensitive.of("one")
    assert Sensitive.of("one") != Sensitive.of("two")
    assert "fingerprint" not in repr(Sensitive.of("one"))
    assert str(Sensitive.of("one")) == "(sensitive)"


def test_a_mark_of_a_form_not_known_covers() -> None:
    assert isinstance(mask("value", {"odd": [1]}, Cover(())), Sensitive)
    assert isinstance(mask(["value"], True, Cover(()))[0], Sensitive)
    assert list(sensitive_texts(["value"], True)) == ["value"]


def test_the_password_inside_a_secret_document_is_covered_and_its_user_is_not() -> None:
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


def test_the_code_may_hold_a_secret_that_the_plan_calls_unknown() -> None:
    entry = change("aws_iam_policy", None, {}, unknown={"policy": True, "password": True})
    code = {"policy": policy(allow("s3:Get*", "${aws_s3_bucket.X.arn}")), "password": SECRET}
    text = report(reviewed(entry, document=synthesized(entry, Thing_Resource=code)))
    assert SECRET not in text
    assert "+   s3:Get*" in text
