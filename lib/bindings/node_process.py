"""A Node.js process that runs jsii's program, started without jsii."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .common import CACHE, cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

# jsii's program has the number of its channel built in, and the limit is the one jsii sets.
CHANNEL = 3
# The semi-spaces hold the objects that a synthesis allocates and releases; with the default of 1 to
# 16 MiB, V8 collects garbage several times more often.
NODE_ARGUMENTS = (
    *("--max-old-space-size=4069", "--preserve-symlinks"),
    *("--min-semi-space-size=32", "--max-semi-space-size=32"),
)
EXIT_SECONDS = 5
POLL_SECONDS = 0.002


def unpacked_program() -> Path:
    """Return jsii's program for Node.js, unpacked into the cache folder the way jsii unpacks it."""
    spec = importlib.util.find_spec("jsii")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("jsii is not installed as a folder")
    folder = Path(spec.submodule_search_locations[0], "_embedded", "jsii")
    # `lib__program.js` is lib/program.js; the source maps are used by no one.
    files = {file.name: file for file in folder.glob("*__*.js")}
    state = repr([(name, (one := files[name].stat()).st_size, one.st_mtime_ns) for name in files])
    place = hashlib.sha256(state.encode()).hexdigest()[:16]
    target = cache_folder() / "jsii" / place
    program = target / "lib" / "program.js"
    if not program.is_file():
        scratch = target.with_name(f"{place}.{os.getpid()}")
        try:
            for name, file in files.items():
                copy = scratch.joinpath(*name.split("__"))
                copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            with contextlib.suppress(OSError):  # another process was faster
                scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if not program.is_file():
            raise FileNotFoundError(f"jsii has no {program.name}")
    return program


class NodeProcess:
    """A Node.js process that runs jsii's program, with the interface of `subprocess.Popen`."""

    def __init__(self, node: str, program: Path) -> None:
        import fcntl  # does not exist on Windows

        self._sent: list[dict[str, Any]] = []
        self._status: int | None = None
        ours, theirs = socket.socketpair()
        output, output_end = os.pipe()
        errors, errors_end = os.pipe()
        # Duplicating a descriptor onto itself would not pass it on.
        channel = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, CHANNEL + 1)
        variables = {
            "JSII_AGENT": f"Python/{platform.python_version()}",
            CACHE: str(cache_folder()),
        }
        try:
            self.pid = os.posix_spawn(
                node,
                [node, *NODE_ARGUMENTS, str(program)],
                os.environ | variables,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output_end, 1),
                    (os.POSIX_SPAWN_DUP2, errors_end, 2),
                    (os.POSIX_SPAWN_DUP2, channel, CHANNEL),
                ],
                setsigdef=[signal.SIGPIPE],
            )
        finally:
            theirs.close()
            for end in (output_end, errors_end, channel):
                os.close(end)
        self._socket = ours
        self.stdin: IO[bytes] = ours.makefile("wb")
        self.stdout: IO[bytes] = ours.makefile("rb")
        self._sinks = [
            threading.Thread(target=_forward, args=(os.fdopen(end, "rb", 0), name), daemon=True)
            for end, name in ((output, "stdout"), (errors, "stderr"))
        ]
        for sink in self._sinks:
            sink.start()
        atexit.register(self.close)

    def send_first(self, requests: Iterable[dict[str, Any]]) -> None:
        """Send requests without waiting for their answers."""
        for request in requests:
            self.stdin.write(json.dumps(request).encode() + b"\n")
            self._sent.append(request)
        self.stdin.flush()

    def first_answer(self, request: dict[str, Any]) -> bytes | None:
        """Return the answer to a request that was sent at the start; None if it must be sent.

        The channel keeps the order of messages: answers to requests that Python does not make in
        the same order are read and dropped. Loading a library twice changes nothing in the kernel.
        """
        while self._sent:
            sent = self._sent.pop(0)
            answer = self.stdout.readline()
            if sent == request and answer.startswith(b'{"ok":'):
                return answer
        return None

    def poll(self) -> int | None:
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # SIGCHLD is ignored, so the kernel keeps no status
                self._status = 0
                return self._status
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def close(self) -> None:
        """End the stream of requests, which ends the process; wait for it and for its output."""
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            self.stdin.close()
            # It can still write the answers to what it was asked before.
            self._socket.shutdown(socket.SHUT_WR)
        latest = time.monotonic() + EXIT_SECONDS
        while self.poll() is None:
            if time.monotonic() > latest:
                os.kill(self.pid, signal.SIGTERM)
            time.sleep(POLL_SECONDS)
        self.stdout.close()
        self._socket.close()
        for sink in self._sinks:
            sink.join(EXIT_SECONDS)


def _forward(source: IO[bytes], name: str) -> None:
    """Copy the output of Node.js to this process's stream of that name until it ends."""
    with source:
        while block := source.read(65536):
            stream = getattr(sys, name)
            if hasattr(stream, "buffer"):
                stream.buffer.write(block)
            else:
                stream.write(block.decode(errors="replace"))
            stream.flush()
