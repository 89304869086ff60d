"""Policies and network rules are compared by their effect and shown line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plan_documents import allow, change, deny, policy, reviewed
from tools.plan_review import report
from tools.plan_review.comparison import equivalent
from tools.plan_review.network import NetworkRule, routes, rules
from tools.plan_review.policies import PolicyChange

ROOT = "arn:aws:iam::123456789012:root"


def between(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> PolicyChange:
    return PolicyChange.between(policy(*before), policy(*after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (allow("s3:Get*", "a"), allow(["s3:Get*"], ["a"])),
        (allow(["a:B", "c:D"], "x"), allow(["c:D", "a:B"], "x")),
        (allow("S3:getobject", "x"), allow("s3:GetObject", "x")),
        (allow("s3:*", "x", Principal="*"), allow("s3:*", "x", Principal={"AWS": "*"})),
        (
            allow("s3:*", "x", Principal={"AWS": ROOT}),
            allow("s3:*", "x", Principal={"AWS": ["123456789012"]}),
        ),
        (allow("s3:*", "x", Sid="One"), allow("s3:*", "x", Sid="Another")),
        (
            allow("s3:*", "x", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            allow("s3:*", "x", Condition={"Bool": {"aws:SecureTransport": ["true"]}}),
        ),
    ],
)
def test_the_same_statement_in_another_form_is_no_change(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert not between([before], [after])
    assert not between([before, deny("x:*")], [deny(["x:*"]), after])


@pytest.mark.parametrize(
    ("before", "after", "widened"),
    [
        ([allow("s3:*", "x")], [allow("s3:GetObject", "x")], False),
        ([allow("s3:GetObject", "x")], [allow("s3:*", "x")], True),
        ([allow("s3:Get?", "x")], [allow("s3:Get*", "x")], True),
        ([allow("s3:Get?", "x")], [allow("s3:Gets", "x")], False),
        ([allow("s3:Get*", "x*")], [allow("s3:GetObject", "x/y")], False),
        ([allow("s3:Get*", "x/y")], [allow("s3:GetObject", "x*")], True),
        # Resources are case-sensitive, actions are not.
        ([allow("s3:GET*", "x")], [allow("s3:GetObject", "x")], False),
        ([allow("s3:Get*", "X")], [allow("s3:Get*", "x")], True),
        ([allow("a:B", "x", Principal={"AWS": "1"})], [allow("a:B", "x", Principal="*")], True),
        (
            [allow("a:B", "x", Principal={"AWS": ["1", "2"]})],
            [allow("a:B", "x", Principal={"AWS": "1"})],
            False,
        ),
        ([allow("a:B", "x"), deny("a:C")], [allow("a:B", "x")], True),
        ([deny("a:*")], [deny("a:B")], True),
        ([deny("a:B")], [deny("a:*")], False),
        (
            [allow("a:B", "x")],
            [allow("a:B", "x", Condition={"Bool": {"k:l": "true"}})],
            False,
        ),
        (
            [allow("a:B", "x", Condition={"Bool": {"k:l": "true"}})],
            [allow("a:B", "x")],
            True,
        ),
        (
            [{"Effect": "Allow", "NotAction": ["a:B", "a:C"], "Resource": "x"}],
            [{"Effect": "Allow", "NotAction": "a:B", "Resource": "x"}],
            True,
        ),
    ],
)
def test_policy_is_widened(
    before: list[dict[str, Any]], after: list[dict[str, Any]], widened: bool
) -> None:
    assert between(before, after).widened is widened


def test_a_change_is_shown_inside_its_statement() -> None:
    old = allow(["s3:GetObject", "s3:ListBucket"], ["a", "b"], Sid="Read")
    new = allow(["s3:PutObject", "s3:ListBucket"], "b", Sid="Read", Principal={"Service": "x"})
    assert list(between([old, deny("z:*")], [deny("z:*"), new]).lines()) == [
        "  Allow Read",
        "-   s3:GetObject",
        "    s3:ListBucket",
        "+   s3:PutObject",
        "-   on a",
        "    on b",
        "+   for Service x",
    ]


def test_a_changed_statement_without_a_sid_is_matched_by_its_lines() -> None:
    old = allow(["a:B", "a:C", "a:D"], "x")
    new = allow(["a:B", "a:C", "a:E"], "x")
    other = allow("z:Z", "z", Sid="New")
    lines = list(between([old], [other, new]).lines())
    assert lines[:6] == ["  Allow", "    a:B", "    a:C", "-   a:D", "+   a:E", "    on x"]
    assert lines[6:] == ["+ Allow New", "+   z:Z", "+   on z"]


def test_policies_are_never_shown_as_escaped_json() -> None:
    entries = [
        change("aws_sqs_queue", {"policy": policy(allow("a:B", "x"))}, {"policy": policy()}),
        change(
            "aws_iam_role",
            {"inline_policy": []},
            {"inline_policy": [{"name": "own", "policy": policy(allow("a:B", "x"))}]},
            name="Role",
        ),
        change("aws_iam_policy", None, {"policy": policy(allow("a:B", "x"))}, name="New"),
    ]
    text = report(reviewed(*entries), limit=None)
    assert '\\"' not in text
    assert "Statement" not in text
    assert "inline\\_policy\\[own\\].policy" in text
    assert text.count("+   a:B") == 2
    assert "-   a:B" in text


texts = st.text(st.sampled_from("abAB*?:"), min_size=1, max_size=6)
one_or_more = st.one_of(texts, st.lists(texts, min_size=1, max_size=3))
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": one_or_more, "Resource": one_or_more}
)


@given(st.lists(statements, max_size=4), st.randoms())
def test_order_and_form_of_policies_do_not_matter(
    listed: list[dict[str, Any]], random: Any
) -> None:
    def reordered(value: Any) -> Any:
        many = list(value) if isinstance(value, list) else [value]
        random.shuffle(many)
        return many

    shuffled = [
        {name: reordered(v) if name != "Effect" else v for name, v in s.items()} for s in listed
    ]
    random.shuffle(shuffled)
    assert not between(listed, shuffled)
    assert equivalent(policy(*listed), json.dumps(json.loads(policy(*shuffled)), indent=1))


def test_an_invalid_policy_is_reported_as_unknown_access() -> None:
    entry = change("aws_sqs_queue", {"policy": policy()}, {"policy": '{"Statement": [{}]}'})
    (found,) = reviewed(entry).findings
    assert found.rule.name == "access-unknown"
    assert found.note.startswith("policy is not a valid policy: Effect: received None")


# ---- the network --------------------------------------------------------------------------------


def rule(
    ports: tuple[int, int] = (443, 443), peer: str = "10.0.0.0/16", **more: Any
) -> NetworkRule:
    return NetworkRule("ingress", more.pop("protocol", "tcp"), ports, peer, **more)


def test_a_network_rule_covers_narrower_rules() -> None:
    assert rule().covers(rule(peer="10.0.1.0/24"))
    assert rule((1, 1000)).covers(rule())
    assert rule((0, 65535), protocol="all").covers(rule())
    assert not rule().covers(rule((443, 444)))
    assert not rule(peer="10.0.1.0/24").covers(rule())
    assert not rule().covers(rule(protocol="udp"))
    assert not rule().covers(rule(peer="sg-1"))
    assert not rule(allows=False).covers(rule())
    assert not rule().covers(rule(peer="2001:db8::/32"))


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ({"protocol": "-1", "self": True}, "ingress all traffic from the group itself"),
        (
            {"protocol": "tcp", "from_port": 1, "to_port": 2, "security_groups": ["sg-1"]},
            "ingress tcp 1-2 from sg-1",
        ),
        (
            {"protocol": "udp", "from_port": 53, "to_port": 53, "ipv6_cidr_blocks": ["::/0"]},
            "ingress udp 53 from ::/0",
        ),
    ],
)
def test_network_rules_are_read_and_formatted(block: dict[str, Any], shown: str) -> None:
    assert {str(one) for one in rules("aws_security_group", {"ingress": [block]})} == {shown}


def test_routes_are_read_and_formatted() -> None:
    table = {"route": [{"cidr_block": "10.1.0.0/16", "vpc_peering_connection_id": "pcx-1"}]}
    assert routes("aws_route_table", table) == {"route 10.1.0.0/16 via pcx-1"}
    assert routes("aws_sns_topic", table) == frozenset()
