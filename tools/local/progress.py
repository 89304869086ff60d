"""Runs a long command into a log file and tells, compactly, how far it is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.errors import ToolError

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The cdktf CLI puts a stack's name before the first line of each piece of its output, as several
# stacks run side by side, and spaces before the others.
_STACK = re.compile(r"(\S+)\s{2,}\S")
_DONE = re.compile(r"(\S+): (?:Creation|Destruction|Modifications?|Destroy) complete after")
_BUSY = re.compile(r"(\S+): (?:Still )?(?:creating|destroying|modifying)\.\.\.", re.IGNORECASE)
_PLANNED = re.compile(r"Plan: (\d+) to add, (\d+) to change, (\d+) to destroy")
# Between two lines where there is no terminal to rewrite one in; in seconds.
_QUIET_INTERVAL = 15.0


class Progress:
    """What Terraform's output says so far: how many resources are done, and which are not yet."""

    def __init__(self) -> None:
        self.done = 0
        self._stack = ""
        self._planned: dict[str, int] = {}
        self._busy: dict[tuple[str, str], None] = {}

    @property
    def planned(self) -> int:
        """How many resources all stacks together are to add, change or destroy."""
        return sum(self._planned.values())

    def read(self, line: str) -> None:
        """Take one line of output into account."""
        if match := _STACK.match(line):
            self._stack = match[1]
        if match := _PLANNED.search(line):
            self._planned[self._stack] = sum(map(int, match.groups()))
        elif match := _DONE.search(line):
            self.done += 1
            self._busy.pop((self._stack, match[1]), None)
        elif match := _BUSY.search(line):
            self._busy[self._stack, match[1]] = None

    def told(self, seconds: float) -> str:
        """The state as one short line."""
        elapsed = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        if not self.planned:
            return f"{elapsed}  preparing"
        kinds = dict.fromkeys(name.split(".")[0].removeprefix("aws_") for _, name in self._busy)
        waiting = ", ".join(kinds)
        waiting = f"  waiting for {waiting[:60]}" if waiting else ""
        return f"{elapsed}  {self.done} of {self.planned} resources{waiting}"


def _descendants(pid: int) -> list[int]:
    """All processes below one of ours, deepest last."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
    ).stdout
    pairs = (line.split() for line in listed.splitlines())
    parents = {int(child): int(parent) for child, parent in pairs}
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def stop(process: subprocess.Popen[str]) -> None:
    """End a command and all it started, politely first. The CLI's Terraform has a session of its
    own, so a signal to the group would miss it."""
    below = _descendants(process.pid)
    for one in [process.pid, *below]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
    for one in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _ticker(title: str, progress: Progress) -> Iterator[None]:
    live = sys.stdout.isatty()
    over = threading.Event()
    started = time.monotonic()

    def tick() -> None:
        while not over.wait(1.0 if live else _QUIET_INTERVAL):
            line = f"  {title}  {progress.told(time.monotonic() - started)}"
            print(f"\r\x1b[K{line[:110]}" if live else line, end="" if live else "\n", flush=True)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if live:
            print("\r\x1b[K", end="", flush=True)


def follow(
    title: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path
) -> None:
    """Run a command to its end, its output appended to ``log``.

    ToolError with the output's tail if the command fails.
    Ctrl-C ends the command with all its children before it is raised further.
    """
    progress = Progress()
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    last: list[str] = []
    with log.open("a", encoding="utf-8") as file, _ticker(title, progress):
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for raw in process.stdout or ():
                line = _COLOURS.sub("", raw).rstrip()
                file.write(f"{line}\n")
                file.flush()
                progress.read(line)
                last = [*last[-39:], line]
            code = process.wait()
        except BaseException:
            stop(process)
            raise
    seconds = time.monotonic() - started
    if code != 0:
        tail = "\n".join(line for line in last if line.strip())
        raise ToolError(
            f"{title}: ended with {code} after {seconds:.0f} s; all of it is in {log}:\n{tail}"
        )
    count = f", {progress.done} resources" if progress.done else ""
    print(f"  {title}  done in {seconds:.0f} s{count}", flush=True)
