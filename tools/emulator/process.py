"""Starts and stops the emulator's process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3

from tools.errors import ToolError

ACCOUNT_ID = "123456789012"
_ROOT = Path(__file__).resolve().parents[2]


class EmulatorError(ToolError):
    """The emulator cannot start; the message says what was received and what to do."""


class Emulator:
    """The emulated AWS, between ``start()`` and ``stop()`` or inside a ``with`` block.

    ``port`` 0 takes a free one. Its log goes to ``log_path`` (appended), or nowhere. It ends with
    the process that started it, and ignores that one's Ctrl-C, so that a destroy can still run.
    """

    def __init__(
        self, *, port: int = 0, region: str = "us-east-1", log_path: Path | None = None
    ) -> None:
        self._wanted_port = port
        self.region = region
        self.log_path = log_path
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        """Address of every emulated service."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Variables that point Terraform, boto3 and ``aws`` at the emulator and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # A profile or a proxy of the person's own would lead elsewhere.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def start(self) -> None:
        """Start the process and wait until it answers (a few seconds); EmulatorError if not."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MOTO_")) and name != "PYTHONDONTWRITEBYTECODE"
        }
        # Without the first, AWS's managed policies do not exist; the second is in seconds.
        environment |= {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1"}
        with contextlib.ExitStack() as stack:
            log: IO[Any] | int = subprocess.DEVNULL
            if self.log_path is not None:
                self.log_path.parent.mkdir(parents=True, exist_ok=True)
                log = stack.enter_context(self.log_path.open("a"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.emulator.server", str(self._wanted_port)],
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        said = self._process.stdout.readline() if self._process.stdout else ""
        word, _, port = said.strip().partition(" ")
        if word == "ready":
            self.port = int(port)
            return
        self.stop()
        if word == "taken":
            raise EmulatorError(
                f"port {port} on 127.0.0.1 is taken; accepted: a free port, or 0 for any."
                " Set LOCAL_PORT to another one, or stop what listens there."
            )
        where = f"; see {self.log_path}" if self.log_path else ""
        raise EmulatorError(f"the emulator's process ended before it was ready{where}")

    def stop(self) -> None:
        """End the process; nothing of the emulated account is kept."""
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
        self, service: str, *, role_arn: str | None = None, region: str | None = None
    ) -> Any:  # noqa: ANN401
        """A boto3 client, for the emulator's Region unless told another.

        With ``role_arn`` it may do just what that role's policies allow.
        """
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        if role_arn is not None:
            keys = self.role_keys(role_arn)
        session: Any = boto3.session.Session(region_name=region or self.region)
        return session.client(service, endpoint_url=self.endpoint, **keys)

    def role_keys(self, role_arn: str) -> dict[str, str]:
        """Keys of a session of a role, named as boto3's Session takes them."""
        answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="local")
        issued = answer["Credentials"]
        return {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretAccessKey"],
            "aws_session_token": issued["SessionToken"],
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
