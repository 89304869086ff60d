"""Decides whether a token of IAM database authentication may connect to an emulated database."""

# WSGI passes untyped objects.

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request

from tools.emulator.authorization import current_caller, is_action_allowed
from tools.emulator.database_tokens import SERVICE, Keys, Token, rejection

TOKENS_PATH = "/emulator/database-tokens"
"""Path to which the gateway of a local database sends tokens."""

# The access key of an administrator; Terraform and tests use it.
_ADMINISTRATOR = "test"
_APPLICATION = Flask(__name__)


def verify_request(environ: dict[str, Any]) -> bytes:
    """Answer a request with the fields host, port, user, token and resource_id.

    The response has the field ``rejection``, an empty text if the user may connect.
    """
    fields = json.loads(Request(environ).get_data())
    token = Token.parse(fields["token"])
    address = {name: fields[name] for name in ("host", "port", "user")}
    reason = rejection(token, **address, find_keys=_find_keys)
    if not reason and not _is_allowed(token, fields["resource_id"], fields["user"]):
        reason = f"no policy of the principal allows {SERVICE}:connect for {fields['user']}"
    return json.dumps({"rejection": reason}).encode()


def _find_keys(access_key: str) -> Keys | None:
    if access_key == _ADMINISTRATOR:
        return Keys(_ADMINISTRATOR)
    account = get_account_id_from(access_key)
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    if session is not None:
        return Keys(session.secret_access_key, session.session_token)
    for user in iam_backends[account]["aws"].users.values():
        for key in user.access_keys:
            if key.access_key_id == access_key:
                return Keys(key.secret_access_key)
    return None


def _is_allowed(token: Token, resource_id: str, user: str) -> bool:
    # The caller and its condition keys are those of a request that is signed like the token.
    header = f"AWS4-HMAC-SHA256 Credential={token.credential}, "
    with _APPLICATION.test_request_context(headers={"Authorization": header}):
        caller = current_caller()
        if not caller.has_issued_key:
            return True
        region = token.credential.split("/")[2]
        arn = f"arn:aws:{SERVICE}:{region}:{caller.account}:dbuser:{resource_id}/{user}"
        return is_action_allowed(caller, f"{SERVICE}:connect", arn, {})
