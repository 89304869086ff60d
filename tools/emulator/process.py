"""The emulator's process, seen from the process that starts it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self

import boto3

from lib.iam_policy import parse
from tools.errors import ToolError
from tools.project import ROOT

ACCOUNT_ID = "123456789012"
CONTEXT_HEADER = "X-Emulator-Context"
"""Header of a request that overrides its condition keys: a JSON object, null removes a key."""


class EmulatorError(ToolError):
    """The emulator cannot start; the message names the cause and what to do."""


class Emulator:
    """An emulated AWS account, between ``start()`` and ``stop()`` or inside a ``with`` block.

    ``port`` 0 selects a free port. ``region`` is the default Region of clients and variables. The
    server appends its log to ``log_path``, or writes none. It ends with the process that started
    it, and does not receive Ctrl-C of that process, so that ``terraform destroy`` can still run.
    """

    def __init__(
        self, *, port: int = 0, region: str = "us-east-1", log_path: Path | None = None
    ) -> None:
        self._requested_port = port
        self.region = region
        self.log_path = log_path
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        """The address of every service, ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return variables that configure Terraform, boto3 and ``aws`` for the emulator only."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # A profile or a proxy of the user could select another endpoint.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def start(self) -> None:
        """Start the process and wait until it listens (a few seconds).

        Raises EmulatorError if the port is in use or the process ends.
        """
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MOTO_")) and name != "PYTHONDONTWRITEBYTECODE"
        }
        # AWS managed policies exist only with the first variable; the second is in seconds.
        environment |= {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1"}
        with contextlib.ExitStack() as stack:
            log: IO[Any] | int = subprocess.DEVNULL
            if self.log_path is not None:
                self.log_path.parent.mkdir(parents=True, exist_ok=True)
                log = stack.enter_context(self.log_path.open("a"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.emulator.server", str(self._requested_port)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        line = self._process.stdout.readline() if self._process.stdout else ""
        status, _, port = line.strip().partition(" ")
        if status == "ready":
            self.port = int(port)
            return
        self.stop()
        if status == "port-in-use":
            raise EmulatorError(
                f"port {port} on 127.0.0.1 is in use; accepted: a free port, or 0 to select one."
                " Set LOCAL_PORT to another port, or stop the process that listens there."
            )
        log_hint = f"; see {self.log_path}" if self.log_path else ""
        raise EmulatorError(f"the emulator's process ended before it was ready{log_hint}")

    def stop(self) -> None:
        """End the process and discard the emulated account."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def client(
        self,
        service: str,
        *,
        role_arn: str | None = None,
        region: str | None = None,
        condition_keys: Mapping[str, str | None] | None = None,
    ) -> Any:  # noqa: ANN401
        """Return a boto3 client for a service, by default in the emulator's Region.

        With ``role_arn`` the client uses credentials of that role and has its permissions only.
        ``condition_keys`` overrides condition keys of each request, for example
        ``{"aws:SecureTransport": "false"}``; None removes a key.
        """
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        if role_arn is not None:
            keys = self.role_keys(role_arn)
        session: Any = boto3.session.Session(region_name=region or self.region)
        client = session.client(service, endpoint_url=self.endpoint, **keys)
        if condition_keys is not None:
            header = json.dumps(dict(condition_keys))

            def add_header(request: Any, **_: Any) -> None:  # noqa: ANN401
                request.headers[CONTEXT_HEADER] = header

            client.meta.events.register("before-sign", add_header)
        return client

    def role_keys(self, role_arn: str) -> dict[str, str]:
        """Return temporary credentials of a role, as arguments of ``boto3.session.Session``.

        The role is assumed by the service that its trust policy names, otherwise by the account.
        """
        role = self.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        context: dict[str, str | None] = {}
        for statement in parse(role["AssumeRolePolicyDocument"]):
            for kind, name in statement.principal_names:
                if kind == "Service":
                    # As the service sends them, for a resource of the account.
                    context["aws:PrincipalServiceName"] = name
                    context["aws:SourceAccount"] = role_arn.split(":")[4]
        sts = self.client("sts", condition_keys=context)
        response = sts.assume_role(RoleArn=role_arn, RoleSessionName="local")
        credentials = response["Credentials"]
        return {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
