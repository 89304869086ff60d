"""Policy documents."""

from __future__ import annotations

import json

from lib.iam_policy import Statement, document, service


def test_a_statement_about_one_thing_holds_bare_values() -> None:
    statement = Statement(
        sid="One",
        principals=service("logs"),
        actions=("s3:GetObject",),
        resources=("arn",),
        conditions={"StringEquals": {"a": ["b"]}},
    )
    assert statement.to_json() == {
        "Sid": "One",
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "arn",
        "Condition": {"StringEquals": {"a": "b"}},
    }


def test_a_statement_about_many_things_holds_lists() -> None:
    statement = Statement(
        sid="Many",
        principals={"AWS": ["1", "2"]},
        actions=("a:B", "a:C"),
        resources=("x", "y"),
        conditions={"StringLike": {"k": ["v", "w"], "l": "m"}},
    )
    assert statement.to_json() == {
        "Sid": "Many",
        "Effect": "Allow",
        "Principal": {"AWS": ["1", "2"]},
        "Action": ["a:B", "a:C"],
        "Resource": ["x", "y"],
        "Condition": {"StringLike": {"k": ["v", "w"], "l": "m"}},
    }


def test_everyone_is_a_bare_star() -> None:
    statement = Statement(sid="All", effect="Deny", principals="*", actions=("s3:*",))
    assert statement.to_json()["Principal"] == "*"
    assert statement.to_json()["Effect"] == "Deny"


def test_an_identity_policy_has_no_principal_and_a_trust_policy_no_resource() -> None:
    identity = Statement(sid="I", actions=("a:B",)).to_json()
    trust = Statement(sid="T", actions=("sts:AssumeRole",), resources=()).to_json()
    assert "Principal" not in identity
    assert identity["Resource"] == "*"
    assert "Resource" not in trust
    assert "Condition" not in trust


def test_not_actions_take_the_place_of_actions() -> None:
    statement = Statement(sid="N", effect="Deny", not_actions=("iam:*", "sts:*")).to_json()
    assert statement["NotAction"] == ["iam:*", "sts:*"]
    assert "Action" not in statement


def test_services() -> None:
    assert service("logs.eu-west-1", "sns") == {
        "Service": ["logs.eu-west-1.amazonaws.com", "sns.amazonaws.com"]
    }


def test_a_document_keeps_order_and_version() -> None:
    statements = [Statement(sid=sid, actions=("a:B",)) for sid in ("Second", "First")]
    text = document(*statements)
    assert text == document(*statements)
    assert json.loads(text) == {
        "Version": "2012-10-17",
        "Statement": [statement.to_json() for statement in statements],
    }
    assert text.index("Second") < text.index("First")
