"""Prints the progress of Terraform commands that run at the same time."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from tools.terraform import Event

# Seconds between two lines if the output is not a terminal, whose line can be rewritten.
_INTERVAL_SECONDS = 15.0
_WIDTH = 110


class Progress:
    """Counts the resources of stacks from the events of ``terraform apply|destroy -json``."""

    def __init__(self) -> None:
        self.done = 0
        self._planned: dict[str, int] = {}
        self._running: dict[tuple[str, str], str] = {}

    @property
    def planned(self) -> int:
        """The number of resources that all stacks add, change or remove."""
        return sum(self._planned.values())

    def add(self, stack: str, event: Event) -> None:
        """Count one event of a stack."""
        kind = event.get("type")
        if kind == "change_summary":
            changes = event["changes"]
            if changes["operation"] == "plan":
                counts = (changes.get(name, 0) for name in ("add", "change", "remove"))
                self._planned[stack] = sum(counts)
        elif kind in ("apply_start", "apply_complete", "apply_errored"):
            hook = event["hook"]
            resource = hook["resource"]
            # Reads of data sources are not part of the summary.
            if hook.get("action") not in ("create", "update", "delete"):
                return
            if kind == "apply_start":
                self._running[stack, resource["addr"]] = resource["resource_type"]
                return
            self._running.pop((stack, resource["addr"]), None)
            self.done += kind == "apply_complete"

    def text(self, seconds: float) -> str:
        """Elapsed time, finished and planned resources, and the types in progress."""
        elapsed = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        if not self._planned:
            return f"{elapsed}  planning"
        types = dict.fromkeys(name.removeprefix("aws_") for name in [*self._running.values()])
        waiting = ", ".join(types)
        waiting = f"  in progress: {waiting[:60]}" if waiting else ""
        return f"{elapsed}  {self.done} of {self.planned} resources{waiting}"


@contextlib.contextmanager
def shown(title: str) -> Iterator[Progress]:
    """Print the progress regularly during the block, and the total at its end if it succeeds."""
    live = sys.stdout.isatty()
    finished = threading.Event()
    started = time.monotonic()
    progress = Progress()

    def print_regularly() -> None:
        while not finished.wait(1.0 if live else _INTERVAL_SECONDS):
            line = f"  {title}  {progress.text(time.monotonic() - started)}"[:_WIDTH]
            print(f"\r\x1b[K{line}" if live else line, end="" if live else "\n", flush=True)

    thread = threading.Thread(target=print_regularly, daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        finished.set()
        thread.join()
        if live:
            print("\r\x1b[K", end="", flush=True)
    seconds = time.monotonic() - started
    print(f"  {title}  done in {seconds:.0f} s, {progress.done} resources", flush=True)
