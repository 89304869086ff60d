"""The process of ministack, seen from the process that starts it."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import boto3

from tools.cross_check.server import HOST, SERVICE_HEADER, TOKENS_PATH
from tools.errors import ToolError
from tools.postgres.certificates import write_certificates
from tools.project import ROOT

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PYTHON = ROOT / ".tools" / "ministack" / "bin" / "python"
_SERVER = Path(__file__).with_name("server.py")
_SITE = Path(__file__).with_name("site")
_SETTINGS = {
    # Evaluates policies, and answers over TLS only.
    "AUTH": "true",
    "USE_SSL": "1",
    "BIND_HOST": HOST,
    "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
    "MINISTACK_REGION": REGION,
    # No containers, also where Docker is installed, and no listeners of other services.
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
}


class Ministack:
    """An emulated AWS account, inside a `with` block.

    `folder` gets its certificates, its log and the files of its functions. `variables` are passed
    to the processes of functions. `on_cluster` is called in another thread with this account, and
    with identifier, host, user, password and database of each new database cluster.
    """

    def __init__(
        self,
        folder: Path,
        *,
        variables: Mapping[str, str],
        on_cluster: Callable[[Ministack, Mapping[str, str]], None],
    ) -> None:
        self.folder = folder
        self.log_path = folder / "ministack.log"
        self.port = 0
        self._variables = variables
        self._on_cluster = on_cluster
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    @property
    def endpoint(self) -> str:
        """The address of every service."""
        return f"https://{HOST}:{self.port}"

    @property
    def process_id(self) -> int:
        """The id of the process, which is the id of its session too."""
        return 0 if self._process is None else self._process.pid

    def environment(self) -> dict[str, str]:
        """Return variables that configure Terraform and boto3 for this account only."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def client(
        self, service: str, *, keys: Mapping[str, str] | None = None, as_service: str = ""
    ) -> Any:  # noqa: ANN401
        """Return a boto3 client, by default as the root user of the account.

        `keys` are arguments of `Session.client`. `as_service` lets PutEvents publish events of an
        AWS service.
        """
        arguments = keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session: Any = boto3.session.Session(region_name=REGION)
        client = session.client(
            service,
            endpoint_url=self.endpoint,
            verify=str(self.folder / "ca.pem"),
            **arguments,
        )
        if as_service:
            client.meta.events.register(
                "before-sign",
                lambda request, **_: request.headers.add_header(SERVICE_HEADER, as_service),
            )
        return client

    def token_rejection(self, cluster: str, user: str, token: str) -> str:
        """Return why a token of IAM database authentication is rejected; empty if it is accepted.

        ministack verifies its signature and age, and evaluates the policies of its principal.
        """
        fields = {"cluster": cluster, "user": user, "token": token}
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
            ),
        )
        body = json.dumps(fields).encode()
        with opener.open(f"{self.endpoint}{TOKENS_PATH}", body, timeout=30) as answer:
            return str(json.load(answer)["rejection"])

    def __enter__(self) -> Self:
        if not PYTHON.is_file():
            raise ToolError(
                f"ministack: received no program {PYTHON.relative_to(ROOT)}; accepted: the"
                " environment that `make cross-check` installs. Run `make cross-check`."
            )
        write_certificates(self.folder, "localhost")
        kept = {name: one for name, one in os.environ.items() if not name.startswith("AWS_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {
            **kept,
            **_SETTINGS,
            **self._variables,
            "AWS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "PYTHONPATH": str(_SITE),
            "TMPDIR": str(self.folder),
        }
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [PYTHON, _SERVER, self.folder / "server.pem", self.folder / "server.key"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        event = self._next_event()
        if event is None:
            self.__exit__()
            raise ToolError(
                f"ministack: its process ended before it was ready; see {self.log_path}"
            )
        self.port = event["ready"]
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        process.wait()
        if self._thread is not None:
            self._thread.join()
        if process.stdout is not None:
            process.stdout.close()

    def _next_event(self) -> dict[str, Any] | None:
        """The next event of the process; None when it has ended. Other lines go to the log."""
        process = self._process
        for text in (process.stdout if process else None) or ():
            with contextlib.suppress(ValueError):
                event = json.loads(text)
                if isinstance(event, dict) and event.keys() & {"ready", "cluster"}:
                    return event
            with self.log_path.open("a", encoding="utf-8") as log:
                log.write(text)
        return None

    def _follow(self) -> None:
        while (event := self._next_event()) is not None:
            self._on_cluster(self, event["cluster"])
