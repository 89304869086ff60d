"""Requests evaluated against policies, compared with what AWS documents."""

from __future__ import annotations

from typing import Any

import pytest

from lib.iam_policy import ConditionError, Decision, Request, Statement, evaluate

ROLE = "arn:aws:iam::123456789012:role/reader"
BUCKET = "arn:aws:s3:::bucket"
ALLOW, DENY, IMPLICIT_DENY = Decision.ALLOW, Decision.DENY, Decision.IMPLICIT_DENY


def request(action: str = "s3:GetObject", resource: str = f"{BUCKET}/a", **context: Any) -> Request:
    """A request of the role; `__` in the name of a condition key stands for the colon."""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return Request(action, resource, ROLE, keys)


def statement(effect: str = "Allow", **changed: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": "*"} | changed


def decision(made: Request, *statements: dict[str, Any]) -> Decision:
    return evaluate([{"Version": "2012-10-17", "Statement": list(statements)}], made)


def holds(condition: dict[str, Any], made: Request) -> bool:
    return decision(made, statement(Condition=condition)) is ALLOW


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Action": "s3:GetObject"}, ALLOW),
        ({"Action": ["s3:PutObject", "S3:getobject"]}, ALLOW),
        ({"Action": "s3:Get*"}, ALLOW),
        ({"Action": "s3:GetObjec?"}, ALLOW),
        ({"Action": "s3:Get"}, IMPLICIT_DENY),
        ({"Action": "sqs:*"}, IMPLICIT_DENY),
        ({"Resource": f"{BUCKET}/*"}, ALLOW),
        ({"Resource": [f"{BUCKET}/b", f"{BUCKET}/a"]}, ALLOW),
        ({"Resource": BUCKET}, IMPLICIT_DENY),
        ({"Resource": f"{BUCKET}/[a]"}, IMPLICIT_DENY),
    ],
)
def test_statements_apply_to_the_actions_and_resources_they_name(
    parts: dict[str, Any], expected: Decision
) -> None:
    assert decision(request(), statement(**parts)) is expected


def test_not_action_and_not_resource_apply_to_all_others() -> None:
    others = {"Effect": "Deny", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}
    assert decision(request(), others) is IMPLICIT_DENY
    assert decision(request("s3:PutObject"), others) is DENY
    elsewhere = {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/*"}
    assert decision(request(), elsewhere) is IMPLICIT_DENY
    assert decision(request(resource="arn:aws:s3:::other/a"), elsewhere) is DENY


def test_a_deny_overrides_every_allow() -> None:
    assert decision(request(), statement(), statement("Deny")) is DENY
    allow, deny = ({"Statement": statement(effect)} for effect in ("Allow", "Deny"))
    assert evaluate([deny, allow], request()) is DENY
    assert evaluate([allow], request()) is ALLOW
    assert evaluate([], request()) is IMPLICIT_DENY
    assert evaluate([[Statement(actions=["s3:GetObject"])]], request()) is ALLOW


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", ALLOW),
        ({"AWS": "*"}, ALLOW),
        ({"AWS": ROLE}, ALLOW),
        ({"AWS": ["arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:root"]}, ALLOW),
        ({"AWS": "123456789012"}, ALLOW),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, IMPLICIT_DENY),
        ({"Service": "lambda.amazonaws.com"}, IMPLICIT_DENY),
    ],
)
def test_resource_policies_apply_to_the_principals_they_name(
    principal: object, expected: Decision
) -> None:
    assert decision(request(), statement(Principal=principal)) is expected


def test_services_and_unsigned_requests_have_principals_too() -> None:
    logging = Request("s3:PutObject", f"{BUCKET}/a", "logging.s3.amazonaws.com")
    assert decision(logging, statement(Principal={"Service": logging.principal})) is ALLOW
    assert decision(logging, statement(Principal={"AWS": "*"})) is IMPLICIT_DENY
    assert decision(logging, statement(Principal="*")) is ALLOW
    unsigned = Request("s3:GetObject", f"{BUCKET}/a", "*")
    assert decision(unsigned, statement(Principal={"AWS": "*"})) is ALLOW
    assert decision(unsigned, statement(Principal={"AWS": ROLE})) is IMPLICIT_DENY


def test_not_principal_applies_to_all_others() -> None:
    deny = statement("Deny", NotPrincipal={"AWS": ROLE})
    assert decision(request(), deny) is IMPLICIT_DENY
    other = Request("s3:GetObject", BUCKET, "arn:aws:iam::123456789012:role/other")
    assert decision(other, deny) is DENY


@pytest.mark.parametrize(
    ("operator", "expected", "value", "result"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "incoming/*", "incoming/x", True),
        ("StringNotLike", "incoming/*", "incoming/x", False),
        ("ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::b", True),
        ("ArnLike", "arn:aws:iam::*:role/a", "arn:aws:iam::1:x:role/a", False),
        ("ArnLike", "*", "arn:aws:s3:::b", True),
        ("ArnEquals", "arn:aws:s3:::b", "b", False),
        ("ArnNotEquals", "arn:aws:s3:::a", "arn:aws:s3:::b", True),
        ("ArnNotLike", "arn:aws:s3:::*", "arn:aws:s3:::b", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericEquals", "1.0", "1", True),
        ("NumericNotEquals", "1.0", "1", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.2", False),
        ("NumericLessThan", "1.2", "a", False),
        ("NumericLessThanEquals", "1.2", "1.2", True),
        ("NumericGreaterThan", "3600", "60", False),
        ("NumericGreaterThanEquals", 60, "60", True),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateLessThan", "2026-01-01", "2026-01-01T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "1767225600", True),
        ("DateEquals", "2026-01-01T01:00:00+01:00", "2026-01-01", True),
        ("DateNotEquals", "2026-01-01", "2026-01-01", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "2600::/12", "2600::1", True),
        ("IpAddress", "10.0.0.0/8", "10.1.0.0/16", False),
        ("IpAddress", "10.0.0.0/8", "2600::1", False),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
    ],
)
def test_operators_compare_as_documented(
    operator: str, expected: object, value: str, result: bool
) -> None:
    assert holds({operator: {"key": expected}}, request(key=value)) is result


@pytest.mark.parametrize(
    ("operator", "result"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("StringNotEqualsIfExists", True),
        ("BoolIfExists", True),
        ("NumericLessThan", False),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_conditions_on_a_key_that_the_request_lacks(operator: str, result: bool) -> None:
    assert holds({operator: {"aws:PrincipalTag": "a"}}, request()) is result


def test_null_requires_that_a_key_is_missing_or_present() -> None:
    assert holds({"Null": {"s3:prefix": "true"}}, request())
    assert not holds({"Null": {"s3:prefix": "true"}}, request(s3__prefix="a"))
    assert holds({"Null": {"s3:prefix": False}}, request(s3__prefix="a"))


def test_set_operators_compare_several_values() -> None:
    both = request(tags=["a", "b"])
    assert holds({"ForAnyValue:StringEquals": {"tags": "a"}}, both)
    assert not holds({"ForAllValues:StringEquals": {"tags": "a"}}, both)
    assert holds({"ForAllValues:StringEquals": {"tags": ["a", "b", "c"]}}, both)
    assert holds({"ForAnyValue:StringNotEquals": {"tags": "a"}}, both)


def test_keys_are_case_insensitive_and_all_conditions_must_hold() -> None:
    secure = request(aws__SecureTransport="true", s3__TlsVersion="1.3")
    condition = {"Bool": {"AWS:securetransport": "true"}, "NumericLessThan": {"s3:TlsVersion": 1.2}}
    assert not holds(condition, secure)
    del condition["NumericLessThan"]
    assert holds(condition, secure)


def test_policy_variables_are_replaced_by_values_of_the_request() -> None:
    own = statement(Resource=f"{BUCKET}/${{aws:PrincipalAccount}}/*")
    made = request(resource=f"{BUCKET}/123456789012/a", aws__PrincipalAccount="123456789012")
    assert decision(made, own) is ALLOW
    assert decision(request(resource=f"{BUCKET}/1/a"), own) is IMPLICIT_DENY
    default = statement(Resource=f"{BUCKET}/${{aws:PrincipalTag/team, 'none'}}/*")
    assert decision(request(resource=f"{BUCKET}/none/a"), default) is ALLOW
    equal = {"StringEquals": {"s3:prefix": "${aws:username}"}}
    assert holds(equal, request(s3__prefix="me", aws__username="me"))
    assert not holds(equal, request(s3__prefix="me"))


def test_wildcards_in_values_of_the_request_are_ordinary_characters() -> None:
    own = statement(Resource=f"{BUCKET}/${{aws:username}}")
    assert decision(request(resource=f"{BUCKET}/other", aws__username="*"), own) is IMPLICIT_DENY
    assert decision(request(resource=f"{BUCKET}/*", aws__username="*"), own) is ALLOW


@pytest.mark.parametrize("operator", ["StringIs", "NullIfExists", "ForSome:StringEquals"])
def test_operators_that_do_not_exist_are_refused(operator: str) -> None:
    with pytest.raises(ConditionError, match=f"received {operator}"):
        holds({operator: {"key": "1"}}, request(key="1"))
