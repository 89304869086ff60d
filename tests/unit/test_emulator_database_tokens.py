"""Tokens of IAM database authentication, as boto3 creates them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.function_database import ACCESS_KEY, KEYS, SigningClient
from tools.emulator.database_tokens import Keys, Token, rejection

HOST, PORT, USER = "aurora.cluster-1.us-east-1.rds.amazonaws.com", 5432, "tap_processor"


def token(keys: Keys = KEYS, **changed: Any) -> str:
    named = {"DBHostname": HOST, "Port": PORT, "DBUsername": USER} | changed
    return SigningClient(keys).generate_db_auth_token(**named)


def reason(text: str, **changed: Any) -> str:
    expected: dict[str, Any] = {"host": HOST, "port": PORT, "user": USER} | changed
    known = {ACCESS_KEY: KEYS}
    return rejection(Token.parse(text), find_keys=known.get, **expected)


def test_token_of_boto3_is_accepted() -> None:
    assert reason(token()) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (token(DBUsername="tap_master"), "DBUser of the token: received 'tap_master'"),
        (token(DBHostname="other.example"), "host of the token: received 'other.example:5432'"),
        (token(Port=5433), "host of the token"),
        (token(KEYS._replace(secret_access_key="other")), "signature of the token is invalid"),
        (token(KEYS._replace(session_token="other")), "session token of the token"),
        (token().replace("Action=connect", "Action=read"), "Action of the token"),
        (token().replace("X-Amz-Expires=900", "X-Amz-Expires=901"), "lifetime of the token"),
        (token().replace("X-Amz-Expires=900", "X-Amz-Expires=899"), "signature of the token"),
        (token().replace(ACCESS_KEY, "ASIAOTHER"), "the access key of the token does not exist"),
        ("a password", "host of the token"),
        ("", "host of the token"),
    ],
)
def test_other_token_is_rejected(text: str, message: str) -> None:
    assert message in reason(text)


@pytest.mark.parametrize(
    ("minutes", "message"),
    [(14, ""), (16, "the token has expired"), (-10, "the token is not valid yet")],
)
def test_token_is_valid_for_fifteen_minutes(minutes: int, message: str) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    assert reason(token(), now=now) == message
