"""Measures synthesis: `tap bench synth [--runs N] [--only NAME,...]` prints Markdown tables.

Ways compared, in rounds within one run, the order reversed every other round, after one run of each
that is not counted:

- hooks: `python main.py` as it is;
- plain: the same with the provider bindings imported as upstream made them;
- cdktn: the same resources under the maintained fork, in a temporary copy of this repository with
  the imports renamed and an environment of its own under `.tools/` that is made when missing;
- cdktn-hooks: that copy with this project's hooks.

Then it builds 1, 3 and 10 environments in one app, and each system beside all of them at once, with
the hooks. CPU is that of the process and
all its descendants (Python, both Node processes), as the kernel reports it to the parent that waits
for them. Memory is the largest sum over these processes of their proportional set sizes, which
count a shared page once, looked at every 20 ms; it needs Linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import click

from lib.bindings import enable_fast_bindings
from lib.stacks import placeholder_variables
from tools.cdktn.fork import FORK_CONTEXT, copy_under_fork, fork_python
from tools.command import ToolCommand
from tools.errors import ToolError
from tools.project import ROOT

SAMPLE_SECONDS = 0.02
ENVIRONMENT_COUNTS = (1, 3, 10)
SYSTEMS = ("tap", "bastion", "web", "tap,bastion,web")


class Way(NamedTuple):
    """One way to synthesize: a command, where it runs and what its environment adds."""

    name: str
    command: tuple[str, ...]
    directory: Path
    variables: dict[str, str]


class Cost(NamedTuple):
    """What one run cost, and how many resources it wrote; no memory where it cannot be measured."""

    wall_seconds: float
    cpu_seconds: float
    memory_mib: float | None
    resources: int


NAMES = ("hooks", "plain", "cdktn", "cdktn-hooks", "environments", "systems")


@click.command(cls=ToolCommand)
@click.option(
    "--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each way."
)
@click.option(
    "--only",
    default=",".join(NAMES),
    help=f"Comma-separated, from {', '.join(NAMES)}.",
)
def command(runs: int, only: str) -> None:
    """Measure wall time, CPU and memory of a synthesis; print Markdown tables."""
    names = only.split(",")
    if unknown := sorted(set(names) - set(NAMES)):
        raise ToolError(
            f"--only: received {unknown[0]!r}; accepted: {', '.join(NAMES)}. Correct the name."
        )
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        scratch = Path(directory)
        ways = [way for way in _ways(scratch, names) if way.name in names]
        if ways:
            _report_ways(ways, _measure(ways, runs, scratch))
        if "environments" in names:
            counts = [_environments(count) for count in ENVIRONMENT_COUNTS]
            costs = _measure(counts, runs, scratch)
            _report_others("environments in one app", counts, costs)
        if "systems" in names:
            systems = [_system(stacks) for stacks in SYSTEMS]
            _report_others("STACKS", systems, _measure(systems, runs, scratch))


def synthesize_environments(count: int) -> None:
    """Write `count` environments of TapStack with one app, as `main.py` does for one."""
    enable_fast_bindings()
    from cdktf import App

    from lib.settings import load_settings
    from lib.tap_stack import TapStack

    app = App()
    for number in range(count):
        settings = load_settings({**os.environ, "ENVIRONMENT_SUFFIX": f"bench{number}"})
        TapStack(app, f"tap-{number}", settings=settings)
    app.synth()


# The ways


def _ways(scratch: Path, only: Sequence[str]) -> Iterator[Way]:
    command = (sys.executable, "main.py")
    yield Way("hooks", command, ROOT, {})
    yield Way("plain", command, ROOT, {"PLAIN_BINDINGS": "1"})
    if {"cdktn", "cdktn-hooks"} & set(only):
        try:
            fork = (fork_python(), "main.py")
        except ToolError as error:
            print(f"cdktn: not measured: {error}", file=sys.stderr)
            return
        copy = copy_under_fork(scratch / "fork")
        variables = {"CDKTF_CONTEXT_JSON": json.dumps(FORK_CONTEXT)}
        yield Way("cdktn", fork, copy, {**variables, "PLAIN_BINDINGS": "1"})
        yield Way("cdktn-hooks", fork, copy, variables)


def _environments(count: int) -> Way:
    code = f"from tools.bench.synth import synthesize_environments as run; run({count})"
    return Way(f"{count}", (sys.executable, "-c", code), ROOT, {})


def _system(stacks: str) -> Way:
    return Way(stacks, (sys.executable, "main.py"), ROOT, {"STACKS": stacks})


# Measuring


def _measure(ways: Sequence[Way], runs: int, scratch: Path) -> dict[str, list[Cost]]:
    """The costs of each way, by name; the n-th of each belong together."""
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    for number in range(runs + 1):
        for way in reversed(ways) if number % 2 else ways:
            label = f"run {number} of {runs}" if number else "warm-up"
            print(f"{way.name}: {label}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=scratch) as output:
                cost = _run(way, Path(output))
            if number:
                costs[way.name].append(cost)
    return costs


def _run(way: Way, output: Path) -> Cost:
    environment = {
        **placeholder_variables(),
        **os.environ,
        **way.variables,
        "CDKTF_OUTDIR": str(output),
    }
    # Bytecode that is never written would be compiled in every run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if "PLAIN_BINDINGS" not in way.variables:
        environment.pop("PLAIN_BINDINGS", None)
    with tempfile.TemporaryFile() as messages:
        started = time.perf_counter()
        process = subprocess.Popen(
            way.command, cwd=way.directory, env=environment, stdout=messages, stderr=messages
        )
        with _Memory(process.pid) as memory:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            messages.seek(0)
            sys.exit(f"{way.name} failed:\n{messages.read().decode(errors='replace')}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, memory.peak_mib, _resources(output))


def _resources(output: Path) -> int:
    stacks = [json.loads(file.read_bytes()) for file in output.glob("stacks/*/cdk.tf.json")]
    return sum(len(named) for stack in stacks for named in stack["resource"].values())


class _Memory(threading.Thread):
    """Watches a process and its descendants; afterwards `peak_mib` is their largest sum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_mib: float | None = None
        self._pid = pid
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            total = sum(_proportional_kib(pid) for pid in _family(self._pid))
            if total:
                self.peak_mib = max(self.peak_mib or 0, total / 1024)


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    # A process may end while it is looked at.
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                yield from _family(int(child))


def _proportional_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        if found := re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE):
            return int(found[1])
    return 0


# Reporting


def _report_ways(ways: Sequence[Way], costs: dict[str, list[Cost]]) -> None:
    first = ways[0].name
    print(f"| way | resources | wall, s | CPU, s | memory, MiB | ÷ {first}: wall | CPU | memory |")
    print("|---|---|---|---|---|---|---|---|")
    for way in ways:
        print(_row(way.name, costs[way.name], costs[first], (0, 1, 2)))
    print()


def _report_others(title: str, ways: Sequence[Way], costs: dict[str, list[Cost]]) -> None:
    print(f"| {title} | resources | wall, s | CPU, s | memory, MiB | ÷ {ways[0].name}: wall |")
    print("|---|---|---|---|---|---|")
    for way in ways:
        print(_row(way.name, costs[way.name], costs[ways[0].name], (0,)))
    print()


def _row(name: str, costs: Sequence[Cost], base: Sequence[Cost], compared: Sequence[int]) -> str:
    """One line of a table; ratios are those of runs in the same round."""
    values = [list(column) for column in zip(*costs, strict=True)]
    bases = [list(column) for column in zip(*base, strict=True)]
    cells = [name, "/".join(str(count) for count in sorted({cost.resources for cost in costs}))]
    cells += [_spread(values[index], digits) for index, digits in enumerate((2, 2, 0))]
    for index in compared:
        pairs = zip(values[index], bases[index], strict=True)
        cells.append(_spread([a / b for a, b in pairs if a is not None and b], 2))
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float | None], digits: int) -> str:
    """The median of the known values, and in brackets the smallest and the largest."""
    known = [value for value in values if value is not None]
    if not known:
        return "not measured"
    low, middle, high = min(known), statistics.median(known), max(known)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
