"""The emulator's process: ``python -m tools.emulator.server PORT`` (0 selects a free port).

It writes one line to standard output: ``ready PORT`` when it listens, or ``port-in-use PORT``
before it exits with code 2. It exits when its standard input closes, so that it ends with the
process that started it.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading

from werkzeug.serving import make_server

HOST = "127.0.0.1"


def _exit_when_stdin_closes() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main(port: int) -> int:
    """Serve until standard input closes; return the process's exit code."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        print(f"port-in-use {port}", flush=True)
        return 2
    listener.listen(128)
    port = listener.getsockname()[1]
    os.environ["MOTO_PORT"] = str(port)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)

    # moto reads its settings from the environment when it is imported.
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    from tools.emulator.middleware import Application
    from tools.emulator.moto_patches import apply_patches

    class Handler(MotoRequestHandler):
        def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
            """Log a request without the terminal colours of werkzeug."""
            self.log("info", '"%s" %s', self.requestline, code)

    apply_patches()
    server = make_server(
        HOST,
        port,
        Application(),
        threaded=True,
        request_handler=Handler,
        fd=listener.fileno(),
    )
    threading.Thread(target=_exit_when_stdin_closes, daemon=True).start()
    print(f"ready {port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
