"""Runs a deployed Lambda function on this machine; the emulator does not run functions.

Package, handler, environment, timeout and role are read from the deployed function. The handler
runs in a separate process that is reused for further events, as on Lambda, with credentials of the
function's role, whose policies the emulator enforces. It can import the package, the standard
library and boto3, which Lambda's runtime provides.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Self

from tools.emulator import Emulator
from tools.errors import ToolError

RUNNER = Path(__file__).with_name("runner.py")


class FunctionError(ToolError):
    """A handler raised, ran out of time or ended its process."""


@dataclass(frozen=True)
class Invocation:
    """The result of one invocation, and the peak memory of its process so far, in MiB."""

    result: Any
    peak_memory_mib: float


class LocalFunction:
    """A deployed function, unpacked into a temporary folder that closing removes.

    `overrides` replace environment variables of the deployed function, for example the address of
    a replaced service. The handlers' output is appended to `log_path`.
    """

    def __init__(
        self,
        emulator: Emulator,
        name: str,
        *,
        overrides: Mapping[str, str] | None = None,
        log_path: Path | None = None,
    ) -> None:
        self.emulator = emulator
        self.name = name
        self.overrides = dict(overrides or {})
        self._scratch = tempfile.TemporaryDirectory(prefix="tap-function-")
        self.folder = Path(self._scratch.name)
        self.log_path = log_path or self.folder / "function.log"
        deployed = emulator.client("lambda").get_function(FunctionName=name)
        self.settings: dict[str, Any] = deployed["Configuration"]
        _unpack(deployed, self.folder / "code")
        runtime = self.folder / "runtime"
        runtime.mkdir()
        for source in _boto3_files():
            (runtime / source.name).symlink_to(source)

    def environment(self) -> dict[str, str]:
        """The environment variables of the handler's process, with new credentials of its role."""
        keys = self.emulator.role_keys(self.settings["Role"])
        return {
            "PATH": os.environ["PATH"],
            **self.emulator.environment(),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.settings["MemorySize"]),
            "LAMBDA_TASK_ROOT": str(self.folder / "code"),
            **self.settings.get("Environment", {}).get("Variables", {}),
            **self.overrides,
            **{name.upper(): value for name, value in keys.items()},
        }

    @contextlib.contextmanager
    def process(self) -> Iterator[FunctionProcess]:
        """A process of the handler that ends with the block."""
        process = FunctionProcess(self)
        try:
            yield process
        finally:
            process.end()

    def log(self) -> str:
        """The handlers' output so far."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Remove the unpacked package."""
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FunctionProcess:
    """One process of a function's handler, which processes one event at a time.

    It corresponds to Lambda's execution environment: global state persists between events.
    """

    def __init__(self, function: LocalFunction) -> None:
        self._function = function
        self._process: subprocess.Popen[str] | None = None
        self._answers: IO[str] | None = None

    def invoke(self, event: object) -> Invocation:
        """Invoke the handler; raises FunctionError if it fails or exceeds the timeout."""
        if self._process is None:
            self._start()
        timeout = int(self._function.settings["Timeout"])
        request = {"event": event, "request_id": str(uuid.uuid4()), "timeout_seconds": timeout}
        answer = self._exchange(json.dumps(request), timeout)
        if "error" in answer:
            raise FunctionError(f"function {self._function.name}: {answer['error']}")
        return Invocation(answer["result"], answer["peak_memory_mib"])

    @property
    def pid(self) -> int:
        """The id of the process; 0 if none is running."""
        return 0 if self._process is None else self._process.pid

    def kill(self) -> None:
        """Kill the process; an `invoke` in another thread fails."""
        if (process := self._process) is not None:
            process.kill()

    def end(self) -> None:
        """End the process if it is running; the next event starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, self._answers):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _start(self) -> None:
        function = self._function
        reading, writing = os.pipe()
        with function.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [
                    # Without user site packages and without the packages of this environment.
                    *(sys.executable, "-I", "-S", str(RUNNER)),
                    *(str(function.folder / "code"), str(function.folder / "runtime")),
                    *(function.settings["Handler"], function.settings["FunctionArn"], str(writing)),
                ],
                cwd=function.folder / "code",
                env=function.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                pass_fds=[writing],
                start_new_session=True,
            )
        os.close(writing)
        self._answers = os.fdopen(reading)

    def _exchange(self, request: str, timeout_seconds: int) -> dict[str, Any]:
        process, answers = self._process, self._answers
        if process is None or process.stdin is None or answers is None:
            raise AssertionError("the process has not been started")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request + "\n")
            process.stdin.flush()
        ready, _, _ = select.select([answers], [], [], timeout_seconds)
        line = answers.readline() if ready else ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.end()
        tail = "\n".join(self._function.log().splitlines()[-15:])
        reason = "its process ended" if ready else f"no result within {timeout_seconds} s"
        raise FunctionError(f"function {self._function.name}: {reason}:\n{tail}")


def _unpack(deployed: dict[str, Any], folder: Path) -> None:
    with urllib.request.urlopen(deployed["Code"]["Location"], timeout=30) as answer:  # noqa: S310
        package = answer.read()
    received = base64.b64encode(hashlib.sha256(package).digest()).decode()
    if received != deployed["Configuration"]["CodeSha256"]:
        expected = deployed["Configuration"]["CodeSha256"]
        raise ToolError(
            f"function package: received the checksum {received}; accepted: {expected}, that of"
            " the deployed function. Deploy it again."
        )
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(folder)


def _boto3_files() -> set[Path]:
    """The modules and packages of boto3 and of its requirements."""
    found: set[Path] = set()
    pending, seen = ["boto3"], set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not top.endswith(".pth"):
                found.add(Path(str(distribution.locate_file(top))))
        for requirement in distribution.requires or ():
            if "extra ==" not in requirement and (word := re.match(r"[\w.-]+", requirement)):
                pending.append(word[0])
    return found
