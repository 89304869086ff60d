"""Supervises a server process: `python supervisor.py FOLDER PROGRAM [ARGUMENT...]`.

PostgreSQL does not end when its parent process ends. The supervisor stops it then: when standard
input closes without a command, it shuts the server down immediately and removes FOLDER. The
command `stop` requests a fast shutdown, `crash` an immediate one; both keep FOLDER. Start the
supervisor in a new session.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any

# The server refuses to run as root; it runs as this user then.
USER = "nobody"
# PostgreSQL's "fast" and "immediate" shutdowns.
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT
_PATIENCE_SECONDS = 20


def user() -> str | None:
    """The user that runs the server's programs; None for the current user."""
    return USER if os.geteuid() == 0 else None


def credentials() -> dict[str, Any]:
    """Arguments of `Popen` that run a program as that user."""
    if (name := user()) is None:
        return {}
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def main(folder: str, *command: str) -> int:
    """Run the server until standard input has a command or closes; returns its exit code."""
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        **credentials(),
    )

    stopping = threading.Event()

    def watch() -> None:
        code = server.wait()
        if not stopping.is_set():
            os._exit(code or 1)

    threading.Thread(target=watch, daemon=True).start()
    command_word = sys.stdin.readline().strip()
    stopping.set()
    server.send_signal(_FAST if command_word == "stop" else _IMMEDIATE)
    try:
        code = server.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(_IMMEDIATE)
        code = server.wait()
    if not command_word:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
