"""The addresses on which the processes of a session listen (Linux)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"


def listeners(session: int) -> list[str]:
    """`ADDRESS:PORT` of each TCP socket on which a process of a session listens."""
    inodes = {inode for process in _processes(session) for inode in _socket_inodes(process)}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == _LISTEN and rest[5] in inodes:
                found.append(_address(local))
    return found


def _processes(session: int) -> Iterator[Path]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(int(folder.name)) == session:
                yield folder


def _socket_inodes(process: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
                if match:
                    yield match[1]


def _address(text: str) -> str:
    """The address of an entry, whose 32-bit words are in the byte order of the machine."""
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return f"{ipaddress.ip_address(b''.join(words))}:{int(port, 16)}"
