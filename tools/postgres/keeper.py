"""The process that keeps a server: `python keeper.py FOLDER PROGRAM [ARGUMENT...]`.

PostgreSQL does not notice when whoever started it is gone. This process does: when its standard
input closes without a word it cuts the server off and removes FOLDER. The word `stop` ends the
server in order, `crash` at once; both leave FOLDER as it is. Run it in a session of its own.
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

# As root the server runs as this user: it refuses to be root.
USER = "nobody"
# PostgreSQL's "fast" and "immediate" shutdowns.
_IN_ORDER, _AT_ONCE = signal.SIGINT, signal.SIGQUIT
_PATIENCE_SECONDS = 20


def user() -> str | None:
    """Whom the server's programs run as; None is the person's own user."""
    return USER if os.geteuid() == 0 else None


def credentials() -> dict[str, Any]:
    """Arguments of `Popen` that run a program as that user."""
    if (name := user()) is None:
        return {}
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def main(folder: str, *command: str) -> int:
    """Run the server until standard input says otherwise; the server's exit code."""
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
    word = sys.stdin.readline().strip()
    stopping.set()
    server.send_signal(_IN_ORDER if word == "stop" else _AT_ONCE)
    try:
        code = server.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(_AT_ONCE)
        code = server.wait()
    if not word:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
