"""Lambda handler that administers the database as its master user.

Terraform sends `{"action": "migrate"}` in each deployment that changes the schema migrations.
Secrets Manager sends `{"Step": ..., "SecretId": ..., "ClientRequestToken": ...}` for each step of a
rotation of the master password.

The execution role requires `secretsmanager:DescribeSecret`, `GetSecretValue`, `PutSecretValue` and
`UpdateSecretVersionStage` on the secret of the database. Both actions may be repeated.
"""

import os
from functools import cache
from typing import Any, NamedTuple

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from database import Database, SecretCredentials
from environment import AdministratorEnvironment
from function_log import create_logger
from migrations import load_migrations, migrate
from rotation import Rotation

SERVICE = "database-administrator"

_CLIENT_CONFIG = Config(
    connect_timeout=3, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
)


class _Runtime(NamedTuple):
    logger: Logger
    environment: AdministratorEnvironment
    secrets: Any


@cache
def _runtime() -> _Runtime:
    environment = AdministratorEnvironment.read(os.environ)
    logger = create_logger(SERVICE, environment.log_level, environment.suffix)
    return _Runtime(logger, environment, boto3.client("secretsmanager", config=_CLIENT_CONFIG))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Perform the action of the event and return its result; errors are raised to the caller."""
    runtime = _runtime()
    runtime.logger.append_keys(request_id=getattr(context, "aws_request_id", None))
    try:
        if "Step" in event:
            return _rotate(runtime, event)
        if event.get("action") == "migrate":
            return _migrate(runtime)
    except Exception:
        runtime.logger.exception("administration of the database failed")
        raise
    raise ValueError(f'event: received {sorted(event)}; accepted: {{"action": "migrate"}}')


def _migrate(runtime: _Runtime) -> dict[str, Any]:
    environment = runtime.environment
    credentials = SecretCredentials(environment.secret_arn, runtime.secrets, environment.address)
    applied = 0

    def prepare(connection: Any) -> None:  # noqa: ANN401
        nonlocal applied
        applied = migrate(connection)

    database = Database(environment.database, credentials, prepare)
    try:
        database.begin_transaction()
    finally:
        database.close()
    runtime.logger.info("schema migrated", applied=applied)
    # The same result for a repeated call: Terraform stores it in the state.
    return {"schema_version": len(load_migrations())}


def _rotate(runtime: _Runtime, event: dict[str, Any]) -> dict[str, Any]:
    rotation = Rotation(
        runtime.secrets,
        runtime.environment.database,
        runtime.environment.address,
        secret_id=str(event["SecretId"]),
        version_id=str(event["ClientRequestToken"]),
    )
    step = str(event["Step"])
    performed = rotation.perform(step)
    runtime.logger.info("rotation step finished", step=step, performed=performed)
    return {"step": step, "performed": performed}
