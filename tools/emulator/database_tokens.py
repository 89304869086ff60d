"""Verification of tokens of IAM database authentication.

A token is a presigned request `connect` of the service `rds-db`, without its scheme. The signature
is computed again from the secret access key that the emulator issued, as RDS does.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

SERVICE = "rds-db"
_ALGORITHM = "AWS4-HMAC-SHA256"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_MAXIMUM_SECONDS = 900
_CLOCK_DIFFERENCE = timedelta(minutes=5)
_EMPTY_PAYLOAD = hashlib.sha256(b"").hexdigest()


class Keys(NamedTuple):
    """Secret access key, and session token of temporary credentials."""

    secret_access_key: str
    session_token: str = ""


@dataclass(frozen=True)
class Token:
    """The parts of a token; `credential` is `KEY/DATE/REGION/rds-db/aws4_request`."""

    host: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Token:
        """Read a token; a text that is none has no parameters."""
        url = urlsplit(f"https://{text}")
        return cls(url.netloc, dict(parse_qsl(url.query, keep_blank_values=True)))

    @property
    def credential(self) -> str:
        """The credential scope, with the access key."""
        return self.parameters.get("X-Amz-Credential", "")

    @property
    def access_key(self) -> str:
        """The access key."""
        return self.credential.partition("/")[0]

    def signature(self, secret_access_key: str) -> str:
        """The signature that the owner of a secret access key creates for this token."""
        signed = sorted((k, v) for k, v in self.parameters.items() if k != "X-Amz-Signature")
        query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in signed)
        request = f"GET\n/\n{query}\nhost:{self.host}\n\nhost\n{_EMPTY_PAYLOAD}"
        scope = self.credential.partition("/")[2]
        digest = hashlib.sha256(request.encode()).hexdigest()
        date = self.parameters.get("X-Amz-Date", "")
        key = f"AWS4{secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"{_ALGORITHM}\n{date}\n{scope}\n{digest}"
        return hmac.new(key, text.encode(), "sha256").hexdigest()


def rejection(
    token: Token,
    *,
    host: str,
    port: int,
    user: str,
    find_keys: Callable[[str], Keys | None],
    now: datetime | None = None,
) -> str:
    """Return why a token does not authenticate a user at an address; empty if it does.

    `find_keys` returns the keys of an access key id. Permissions are not evaluated.
    """
    if reason := content_rejection(token, host=host, port=port, user=user, now=now):
        return reason
    given = token.parameters
    keys = find_keys(token.access_key)
    if keys is None:
        return "the access key of the token does not exist"
    if given.get("X-Amz-Security-Token", "") != keys.session_token:
        return "the session token of the token does not belong to its access key"
    if not hmac.compare_digest(
        given.get("X-Amz-Signature", ""), token.signature(keys.secret_access_key)
    ):
        return "the signature of the token is invalid"
    return ""


def content_rejection(
    token: Token, *, host: str, port: int, user: str, now: datetime | None = None
) -> str:
    """Return why a token is not for a user at an address, or has expired; empty if it is.

    The signature is not verified.
    """
    given = token.parameters
    expected = {
        "host": (token.host, f"{host}:{port}"),
        "Action": (given.get("Action"), "connect"),
        "DBUser": (given.get("DBUser"), user),
        "X-Amz-Algorithm": (given.get("X-Amz-Algorithm"), _ALGORITHM),
        "service": (token.credential.split("/")[3:], [SERVICE, "aws4_request"]),
    }
    for name, (received, accepted) in expected.items():
        if received != accepted:
            return f"{name} of the token: received {received!r}; accepted: {accepted!r}"
    return _expiration(given, now or datetime.now(UTC))


def _expiration(given: dict[str, str], now: datetime) -> str:
    try:
        signed = datetime.strptime(given.get("X-Amz-Date", ""), _DATE_FORMAT).replace(tzinfo=UTC)
        seconds = int(given.get("X-Amz-Expires", ""))
    except ValueError:
        return "the token has no valid date or lifetime"
    if not 0 < seconds <= _MAXIMUM_SECONDS:
        return f"lifetime of the token: received {seconds} s; accepted: up to {_MAXIMUM_SECONDS}"
    if signed > now + _CLOCK_DIFFERENCE:
        return "the token is not valid yet"
    return "the token has expired" if now > signed + timedelta(seconds=seconds) else ""
