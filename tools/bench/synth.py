"""Measures synthesis: `tap bench synth [--runs N] [--only NAME,...]` prints Markdown tables.

The cases of a table run alternately, in reversed order every other round, after one round that is
not counted:

- empty: an app with one stack, the AWS provider and no resource;
- hooks: `python main.py`, which synthesizes TapStack;
- plain: the same with the provider bindings as published (`PLAIN_BINDINGS=1`);
- cdktn: the same resources under the maintained fork, in a temporary copy of this repository with
  the imports renamed, and an environment under `.tools/` that is created if it does not exist;
- cdktn-hooks: that copy with the fast bindings;
- environments: 1, 3 and 10 environments of TapStack in one app;
- systems: each stack, and all of them in one app;
- profile: where one synthesis of TapStack spends its time.

CPU is that of the process and all its descendants (Python and Node.js), as the kernel reports it to
the parent that waits for them. Memory is the largest sum over these processes of their proportional
set sizes, which count a shared page once, read every 20 ms in the round that is not counted; it
needs Linux. A table of the ratios that have a target is printed last.
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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import click

from lib.stacks import placeholder_variables
from tools.bench import profile
from tools.cdktn.fork import FORK_CONTEXT, copy_under_fork, fork_python
from tools.command import ToolCommand
from tools.errors import ToolError
from tools.project import ROOT

SAMPLE_SECONDS = 0.02
ENVIRONMENT_COUNTS = (1, 3, 10)
COLUMNS = ("wall", "CPU", "memory")
SYSTEMS = ("tap", "bastion", "web", "tap,bastion,web")


class Case(NamedTuple):
    """One case to measure: a command, where it runs and what its environment adds."""

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


NAMES = (
    *("empty", "hooks", "plain", "cdktn", "cdktn-hooks", "environments", "systems", "profile"),
)
# Upper limits of ratios, of CPU and of wall time: dividend, divisor, limit.
TARGETS = (("hooks", "empty", 2.0), ("10", "1", 2.5))
Costs = dict[str, list["Cost"]]


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
    measured: Costs = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        scratch = Path(directory)
        cases = [case for case in _cases(scratch, names) if case.name in names]
        if cases:
            first = "hooks" if "hooks" in names else cases[0].name
            measured |= _measure(cases, runs, scratch)
            _report("case", first, measured, (0, 1, 2))
        if "environments" in names:
            counts = [_environments(count) for count in ENVIRONMENT_COUNTS]
            costs = _measure(counts, runs, scratch)
            _report("environments in one app", counts[0].name, costs, (0, 1))
            measured |= costs
        if "systems" in names:
            systems = [_system(stacks) for stacks in SYSTEMS]
            _report("STACKS", systems[0].name, _measure(systems, runs, scratch), (0,))
    if "profile" in names:
        profile.report(_environment({}))
    _report_targets(measured)


# The cases


def _cases(scratch: Path, only: Sequence[str]) -> Iterator[Case]:
    command = (sys.executable, "main.py")
    yield Case("empty", (sys.executable, "-m", "tools.bench.apps", "empty"), ROOT, {})
    yield Case("hooks", command, ROOT, {})
    yield Case("plain", command, ROOT, {"PLAIN_BINDINGS": "1"})
    if {"cdktn", "cdktn-hooks"} & set(only):
        try:
            fork = (fork_python(), "main.py")
        except ToolError as error:
            print(f"cdktn: not measured: {error}", file=sys.stderr)
            return
        copy = copy_under_fork(scratch / "fork")
        variables = {"CDKTF_CONTEXT_JSON": json.dumps(FORK_CONTEXT)}
        yield Case("cdktn", fork, copy, {**variables, "PLAIN_BINDINGS": "1"})
        yield Case("cdktn-hooks", fork, copy, variables)


def _environments(count: int) -> Case:
    command = (sys.executable, "-m", "tools.bench.apps", "environments", str(count))
    return Case(f"{count}", command, ROOT, {})


def _system(stacks: str) -> Case:
    return Case(stacks, (sys.executable, "main.py"), ROOT, {"STACKS": stacks})


# Measuring


def _measure(cases: Sequence[Case], runs: int, scratch: Path) -> Costs:
    """Return the costs of each case by name; the n-th costs of all cases belong together."""
    costs: Costs = {case.name: [] for case in cases}
    memory: dict[str, float | None] = {}
    for number in range(runs + 1):
        for case in reversed(cases) if number % 2 else cases:
            label = f"run {number} of {runs}" if number else "warm-up"
            print(f"{case.name}: {label}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=scratch) as output:
                cost = _run(case, Path(output), watch_memory=not number)
            if number:
                costs[case.name].append(cost._replace(memory_mib=memory[case.name]))
            else:
                memory[case.name] = cost.memory_mib
    return costs


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    environment = {**placeholder_variables(), **os.environ, **variables}
    # Byte code that is never written would be compiled in every run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if "PLAIN_BINDINGS" not in variables:
        environment.pop("PLAIN_BINDINGS", None)
    return environment


def _run(case: Case, output: Path, *, watch_memory: bool) -> Cost:
    environment = _environment({**case.variables, "CDKTF_OUTDIR": str(output)})
    with tempfile.TemporaryFile() as messages:
        started = time.perf_counter()
        process = subprocess.Popen(
            case.command, cwd=case.directory, env=environment, stdout=messages, stderr=messages
        )
        # Reading the sizes takes CPU time of the processes: not in the rounds that count.
        with _Memory(process.pid) if watch_memory else contextlib.nullcontext() as memory:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            messages.seek(0)
            reason = messages.read().decode(errors="replace").strip()
            raise ToolError(f"{case.name}: exit code {process.returncode}: {reason}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, memory.peak_mib if memory else None, _resources(output))


def _resources(output: Path) -> int:
    stacks = [json.loads(file.read_bytes()) for file in output.glob("stacks/*/cdk.tf.json")]
    return sum(len(named) for stack in stacks for named in stack.get("resource", {}).values())


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


def _report(title: str, first: str, costs: Costs, compared: Sequence[int]) -> None:
    """Print a table of costs, with ratios to the case `first` of the columns `compared`."""
    ratios = " | ".join(f"÷ {first}: {COLUMNS[index]}" for index in compared)
    print(f"| {title} | resources | wall, s | CPU, s | memory, MiB | {ratios} |")
    print("|---|---|---|---|---|" + "---|" * len(compared))
    for name in costs:
        print(_row(name, costs[name], costs[first], compared))
    print()


def _report_targets(costs: Costs) -> None:
    """Print the ratios of `TARGETS` whose cases were measured."""
    measured = [one for one in TARGETS if {*one[:2]} <= {*costs}]
    if not measured:
        return
    print("| ratio | CPU | wall | target |")
    print("|---|---|---|---|")
    for name, base, limit in measured:
        cpu, wall = (_ratios(costs[name], costs[base], index) for index in (1, 0))
        print(f"| {name} ÷ {base} | {cpu} | {wall} | at most {limit} |")
    print()


def _row(name: str, costs: Sequence[Cost], base: Sequence[Cost], compared: Sequence[int]) -> str:
    """One line of a table; ratios are those of runs in the same round."""
    values = [list(column) for column in zip(*costs, strict=True)]
    cells = [name, "/".join(str(count) for count in sorted({cost.resources for cost in costs}))]
    cells += [_spread(values[index], digits) for index, digits in enumerate((2, 2))]
    memory = costs[0].memory_mib
    cells.append("not measured" if memory is None else f"{memory:.0f}")
    cells += [_ratios(costs, base, index) for index in compared]
    return f"| {' | '.join(cells)} |"


def _ratios(costs: Sequence[Cost], base: Sequence[Cost], index: int) -> str:
    """Return the ratios of a column, between the runs of the same round."""
    pairs = [(one[index], other[index]) for one, other in zip(costs, base, strict=True)]
    return _spread([a / b for a, b in pairs if a is not None and b], 2)


def _spread(values: Sequence[float | None], digits: int) -> str:
    """Return the median of the known values, with the smallest and the largest in brackets."""
    known = [value for value in values if value is not None]
    if not known:
        return "not measured"
    low, middle, high = min(known), statistics.median(known), max(known)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
