"""The emulator's own process: ``python -m tools.emulator.server PORT`` (0 takes a free one).

It prints ``ready PORT`` when it listens, ``taken PORT`` (exit code 2) when it cannot, and stops
when its standard input closes, so that it never outlives whoever started it.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading

from werkzeug.serving import make_server

HOST = "127.0.0.1"


def _stop_when_parent_goes() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main(port: int) -> int:
    """Serve until standard input closes; return the process's exit code."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        print(f"taken {port}", flush=True)
        return 2
    listener.listen(128)
    port = listener.getsockname()[1]
    os.environ["MOTO_PORT"] = str(port)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)

    # Imported late: moto reads its settings from the environment when it is imported.
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    from tools.emulator.gaps import close_gaps
    from tools.emulator.layer import Application

    class Handler(MotoRequestHandler):
        def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
            """Log without the colours that werkzeug puts into files too."""
            self.log("info", '"%s" %s', self.requestline, code)

    close_gaps()
    server = make_server(
        HOST,
        port,
        Application(),
        threaded=True,
        request_handler=Handler,
        fd=listener.fileno(),
    )
    threading.Thread(target=_stop_when_parent_goes, daemon=True).start()
    print(f"ready {port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
