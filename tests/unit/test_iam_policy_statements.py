"""Statements that are read from policies: their meaning, covering and public access."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.iam_policy import PolicyError, Statement, document, is_policy, parse, service

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def read(**parts: Any) -> Statement:
    given = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} | parts
    return parse({"Statement": {key: value for key, value in given.items() if value is not None}})[
        0
    ]


def test_documents_are_read_from_text_and_from_objects() -> None:
    written = document(
        Statement(sid="Read", actions=["s3:Get*"], principals=service("logs")),
        Statement(sid="Deny", effect="Deny", not_actions=["iam:*"], principals="*"),
    )
    assert [one.sid for one in parse(written)] == ["Read", "Deny"]
    assert parse(written) == parse(json.loads(written))
    assert document(*parse(written)) == written


def test_single_values_and_lists_have_the_same_meaning() -> None:
    single = read(
        Action="s3:GetObject",
        Principal="*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    several = read(
        Sid="Other",
        Action=["S3:getobject"],
        Resource=["*"],
        Principal={"AWS": ["*"]},
        Condition={"Bool": {"AWS:securetransport": [False]}},
    )
    assert single.meaning == several.meaning
    assert read(Principal={"AWS": ROOT}).meaning == read(Principal={"AWS": ACCOUNT}).meaning
    assert read(Principal={"AWS": ACCOUNT}).meaning != read(Principal={"AWS": "2"}).meaning


def test_left_out_elements_are_read_and_written() -> None:
    statement = read(
        Action=None,
        Resource=None,
        NotAction="iam:*",
        NotResource=["a", "b"],
        NotPrincipal={"AWS": ROOT},
    )
    assert statement.not_actions == ("iam:*",)
    assert statement.not_resources == ("a", "b")
    assert statement.not_principal_names == {("AWS", ACCOUNT)}
    assert parse(document(statement)) == [statement]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "received no JSON"),
        ("[]", "received no Statement"),
        ({}, "received no Statement"),
        ({"Statement": ["x"]}, "Statement: received 'x'"),
        ({"Statement": {"Effect": "allow"}}, "Effect: received 'allow'; accepted: Allow, Deny"),
        ({"Statement": {"Effect": "Allow", "Condition": "x"}}, "Condition: received 'x'"),
    ],
)
def test_documents_that_aws_refuses_are_refused(policy: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse(policy)


def test_policies_are_recognized() -> None:
    assert is_policy({"Statement": []})
    assert not is_policy("Statement")
    assert not is_policy({"Version": "2012-10-17"})


@pytest.mark.parametrize(
    ("parts", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["1", "*"]}}, True),
        ({"NotPrincipal": {"AWS": "1"}}, True),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": {"AWS": ROOT}}, False),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({}, False),
    ],
)
def test_statements_for_everyone_are_public(parts: dict[str, Any], public: bool) -> None:
    assert read(**parts).public is public


@pytest.mark.parametrize(
    ("operator", "key", "values", "restricts"),
    [
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, True),
        ("StringEquals", "AWS:principalaccount", ["${data.x.y.account_id}"], True),
        ("StringEquals", "aws:PrincipalOrgID", "o-1234567890", True),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/r-1/*", True),
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-1/r-1/*", False),
        ("StringEqualsIfExists", "aws:PrincipalAccount", ACCOUNT, False),
        ("StringNotEquals", "aws:PrincipalAccount", ACCOUNT, False),
        ("StringLike", "aws:PrincipalAccount", "*", False),
        ("StringLike", "aws:PrincipalAccount", ["1", "?*"], False),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/name", False),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*", False),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::bucket", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::*", False),
        ("ArnLike", "aws:SourceArn", "${aws_s3_bucket.Data.arn}", True),
        ("StringEquals", "aws:SourceVpce", "vpce-1", True),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", True),
        ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "0.0.0.0/0"], False),
        ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"], False),
        ("IpAddress", "aws:SourceIp", "2600::/12", False),
        ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", False),
        ("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com", False),
        ("StringEquals", "kms:CallerAccount", ACCOUNT, True),
        ("StringEquals", "token.actions.githubusercontent.com:sub", "repo:o/r:ref:x", True),
        ("Bool", "aws:SecureTransport", "true", False),
        ("Null", "aws:PrincipalAccount", "false", False),
    ],
)
def test_conditions_that_name_principals_restrict_everyone(
    operator: str, key: str, values: Any, restricts: bool
) -> None:
    statement = read(Principal="*", Condition={operator: {key: values}})
    assert statement.restricting_keys == ({key.lower()} if restricts else frozenset())
    assert statement.public is not restricts


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ({"Action": "s3:*"}, {"Action": ["s3:Get*", "s3:PutObject"]}),
        ({"Action": "*"}, {"Action": None, "NotAction": "iam:*"}),
        (
            {"Action": None, "NotAction": "iam:*"},
            {"Action": None, "NotAction": ["iam:*", "sts:*"]},
        ),
        ({"Action": None, "NotAction": "iam:*"}, {"Action": "s3:*"}),
        ({"Resource": "a*"}, {"Resource": ["ab", "ac*"]}),
        ({"Resource": None, "NotResource": "a*"}, {"Resource": "b*"}),
        ({"Principal": "*"}, {"Principal": {"AWS": ROOT}}),
        ({"Principal": {"AWS": [ROOT, "2"]}}, {"Principal": {"AWS": ACCOUNT}}),
        ({"NotPrincipal": {"AWS": "1"}}, {"Principal": {"AWS": "2"}}),
        ({"NotPrincipal": {"AWS": "1"}}, {"NotPrincipal": {"AWS": ["1", "2"]}}),
        ({}, {"Condition": {"Bool": {"k": "true"}}}),
        (
            {"Condition": {"StringEquals": {"k": ["a", "b"]}}},
            {"Condition": {"StringEquals": {"K": "a"}}},
        ),
        (
            {"Condition": {"StringNotEquals": {"k": "a"}}},
            {"Condition": {"StringNotEquals": {"k": ["a", "b"]}}},
        ),
        (
            {"Condition": {"StringLike": {"k": "a*"}}},
            {"Condition": {"StringLike": {"k": ["ab", "ac*"]}}},
        ),
        (
            {"Condition": {"IpAddress": {"k": "10.0.0.0/8"}}},
            {"Condition": {"IpAddress": {"k": "10.1.0.0/16"}}},
        ),
        (
            {"Condition": {"BoolIfExists": {"k": "true"}}},
            {"Condition": {"Bool": {"k": "true"}}},
        ),
    ],
)
def test_a_statement_covers_what_allows_less(
    larger: dict[str, Any], smaller: dict[str, Any]
) -> None:
    assert read(**larger).covers(read(**smaller))
    assert not read(**smaller).covers(read(**larger))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Effect": "Deny"}, {}),
        ({"Resource": "A"}, {"Resource": "a"}),
        ({"Action": None, "NotAction": "s3:Get*"}, {"Action": "s3:*"}),
        ({"Principal": {"AWS": "1"}}, {"Principal": {"Service": "1"}}),
        ({"Principal": {"AWS": "1"}}, {}),
        ({"Condition": {"Bool": {"k": "true"}}}, {"Condition": {"Bool": {"k": "false"}}}),
        ({"Condition": {"Null": {"k": "true"}}}, {"Condition": {"Null": {"k": "false"}}}),
        ({"Condition": {"Odd": {"k": ["1", "2"]}}}, {"Condition": {"Odd": {"k": "1"}}}),
    ],
)
def test_a_statement_does_not_cover_what_differs(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not read(**one).covers(read(**other))


def test_a_trust_policy_covers_by_its_principals() -> None:
    trust = {"Action": "sts:AssumeRole", "Resource": None}
    assert read(**trust, Principal={"AWS": ["1", "2"]}).covers(
        read(**trust, Principal={"AWS": "2"})
    )
    assert not read(**trust, Principal={"AWS": "1"}).covers(read(**trust, Principal={"AWS": "2"}))


texts = st.text(st.sampled_from("abAB*?:"), min_size=1, max_size=6)
one_or_more = st.one_of(texts, st.lists(texts, min_size=1, max_size=3))
documents = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": one_or_more, "Resource": one_or_more},
    optional={"Principal": st.one_of(st.just("*"), st.fixed_dictionaries({"AWS": one_or_more}))},
)


@given(documents)
def test_a_statement_covers_itself_and_survives_writing(one: dict[str, Any]) -> None:
    (statement,) = parse({"Statement": one})
    assert statement.covers(statement)
    (written,) = parse(document(statement))
    assert written.meaning == statement.meaning


@given(documents, documents)
def test_statements_that_cover_each_other_differ_only_in_form(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    (left,), (right,) = parse({"Statement": one}), parse({"Statement": other})
    if left.meaning == right.meaning:
        assert left.covers(right)
        assert right.covers(left)
