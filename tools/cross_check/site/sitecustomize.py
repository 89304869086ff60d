"""Resolves the endpoints of the emulated Aurora cluster to a PostgreSQL server on this machine.

Python imports this module when it starts, in every process with this folder in PYTHONPATH: those of
the emulated Lambda functions. They connect to the endpoint in the deployed secret, and verify the
certificate of that name.
"""

import os
import socket
from typing import Any

_resolve = socket.getaddrinfo


def _getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
    if isinstance(host, str) and host.endswith(".rds.amazonaws.com"):
        host, port = "127.0.0.1", int(os.environ["POSTGRES_PORT"])
    return _resolve(host, port, *arguments, **named)


socket.getaddrinfo = _getaddrinfo
