"""The emulator's judge of policies, against what AWS documents of the language."""

from __future__ import annotations

from typing import Any

import pytest

from tools.emulator.policies import Call, Verdict, judge, judge_all

ROLE = "arn:aws:iam::123456789012:role/reader"
BUCKET = "arn:aws:s3:::bucket"
ALLOW, DENY, SILENT = Verdict.ALLOW, Verdict.DENY, Verdict.SILENT


def call(action: str = "s3:GetObject", resource: str = f"{BUCKET}/a", **context: Any) -> Call:
    """A call of the role; ``__`` in a condition key's name stands for the colon."""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return Call(action, resource, ROLE, keys)


def statement(effect: str = "Allow", **changed: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": "*"} | changed


def verdict(made: Call, *statements: dict[str, Any]) -> Verdict:
    return judge({"Version": "2012-10-17", "Statement": list(statements)}, made)


def conditioned(condition: dict[str, Any], made: Call) -> bool:
    """Does a condition hold for a call?"""
    return verdict(made, statement(Condition=condition)) is ALLOW


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Action": "s3:GetObject"}, ALLOW),
        ({"Action": ["s3:PutObject", "S3:getobject"]}, ALLOW),
        ({"Action": "s3:Get*"}, ALLOW),
        ({"Action": "s3:GetObjec?"}, ALLOW),
        ({"Action": "s3:Get"}, SILENT),
        ({"Action": "sqs:*"}, SILENT),
        ({"Resource": f"{BUCKET}/*"}, ALLOW),
        ({"Resource": [f"{BUCKET}/b", f"{BUCKET}/a"]}, ALLOW),
        ({"Resource": BUCKET}, SILENT),
        ({"Resource": f"{BUCKET}/[a]"}, SILENT),
    ],
)
def test_a_statement_speaks_of_the_actions_and_resources_it_names(
    parts: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(call(), statement(**parts)) is expected


def test_not_action_and_not_resource_speak_of_all_others() -> None:
    others = {"Effect": "Deny", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}
    assert verdict(call(), others) is SILENT
    assert verdict(call("s3:PutObject"), others) is DENY
    elsewhere = {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/*"}
    assert verdict(call(), elsewhere) is SILENT
    assert verdict(call(resource="arn:aws:s3:::other/a"), elsewhere) is DENY


def test_a_deny_outweighs_any_allow() -> None:
    assert verdict(call(), statement(), statement("Deny")) is DENY
    allow, deny = ({"Statement": statement(effect)} for effect in ("Allow", "Deny"))
    assert judge_all([deny, allow], call()) is DENY
    assert judge_all([allow], call()) is ALLOW
    assert judge_all([], call()) is SILENT


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", ALLOW),
        ({"AWS": "*"}, ALLOW),
        ({"AWS": ROLE}, ALLOW),
        ({"AWS": ["arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:root"]}, ALLOW),
        ({"AWS": "123456789012"}, ALLOW),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, SILENT),
        ({"Service": "lambda.amazonaws.com"}, SILENT),
    ],
)
def test_a_resource_policy_speaks_of_the_principals_it_names(
    principal: object, expected: Verdict
) -> None:
    assert verdict(call(), statement(Principal=principal)) is expected


def test_a_service_is_a_principal_too() -> None:
    logging = Call("s3:PutObject", f"{BUCKET}/a", "logging.s3.amazonaws.com")
    assert verdict(logging, statement(Principal={"Service": logging.principal})) is ALLOW
    assert verdict(logging, statement(Principal={"AWS": "*"})) is SILENT
    assert verdict(logging, statement(Principal="*")) is ALLOW


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringLike", "incoming/*", "incoming/x", True),
        ("StringNotLike", "incoming/*", "incoming/x", False),
        ("ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::b", True),
        ("ArnNotEquals", "arn:aws:s3:::a", "arn:aws:s3:::b", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.2", False),
        ("NumericLessThanEquals", "1.2", "1.2", True),
        ("NumericGreaterThan", "3600", "60", False),
        ("NumericGreaterThanEquals", 60, "60", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
    ],
)
def test_operators_compare_as_documented(
    operator: str, wanted: object, value: str, holds: bool
) -> None:
    assert conditioned({operator: {"key": wanted}}, call(key=value)) is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("BoolIfExists", True),
        ("NumericLessThan", False),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
    ],
)
def test_a_key_that_the_request_lacks(operator: str, holds: bool) -> None:
    assert conditioned({operator: {"aws:PrincipalTag": "a"}}, call()) is holds


def test_null_asks_whether_a_key_is_missing() -> None:
    assert conditioned({"Null": {"s3:prefix": "true"}}, call())
    assert not conditioned({"Null": {"s3:prefix": "true"}}, call(s3__prefix="a"))
    assert conditioned({"Null": {"s3:prefix": "false"}}, call(s3__prefix="a"))


def test_quantifiers_look_at_several_values() -> None:
    both = call(tags=["a", "b"])
    assert conditioned({"ForAnyValue:StringEquals": {"tags": "a"}}, both)
    assert not conditioned({"ForAllValues:StringEquals": {"tags": "a"}}, both)
    assert conditioned({"ForAllValues:StringEquals": {"tags": ["a", "b", "c"]}}, both)


def test_keys_are_found_in_any_case_and_all_conditions_must_hold() -> None:
    secure = call(aws__SecureTransport="true", s3__TlsVersion="1.3")
    condition = {"Bool": {"AWS:securetransport": "true"}, "NumericLessThan": {"s3:TlsVersion": 1.2}}
    assert not conditioned(condition, secure)
    del condition["NumericLessThan"]
    assert conditioned(condition, secure)


def test_variables_are_filled_in() -> None:
    own = statement(Resource=f"{BUCKET}/${{aws:PrincipalAccount}}/*")
    made = call(resource=f"{BUCKET}/123456789012/a", aws__PrincipalAccount="123456789012")
    assert verdict(made, own) is ALLOW
    assert verdict(call(resource=f"{BUCKET}/1/a"), own) is SILENT


@pytest.mark.parametrize(
    "parts",
    [{"NotPrincipal": {"AWS": "*"}}, {"Condition": {"DateLessThan": {"key": "2026-01-01"}}}],
)
def test_what_is_beyond_it_is_not_guessed_at(parts: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        verdict(call(key="1"), statement(**parts))


def test_of_no_values_none_is_other_than_wanted() -> None:
    other = {"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}
    assert not conditioned(other, call())
    assert conditioned(other, call(aws__TagKeys="b"))
    assert conditioned({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, call())
