"""Where a synthesis of TapStack spends its time, as Markdown tables.

Python: the wall time of each phase, and how much of it is waiting for Node.js. Node.js: samples of
V8's CPU profiler, by the origin of the function that was running.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.project import ROOT

# Runs the phases of `main.py` in a process of its own and prints a JSON document.
PHASES = """
import json, os, sys, time
started = time.perf_counter()
phases = {}
waiting = messages = 0

def finish(name):
    global started, waiting, messages
    now = time.perf_counter()
    phases[name] = (now - started, waiting, messages)
    started, waiting, messages = now, 0, 0

from lib.bindings import enable_fast_bindings, start_kernel
enable_fast_bindings()
start_kernel()
from lib.settings import load_settings
settings = load_settings()
finish("import and read the settings")
import jsii._kernel.providers.process as process
published = process._NodeProcess._next_message

def next_message(self):
    global waiting, messages
    before = time.perf_counter()
    message = published(self)
    waiting += time.perf_counter() - before
    messages += 1
    return message

process._NodeProcess._next_message = next_message
import cdktf, cdktf_cdktf_provider_aws
finish("import cdktf and the provider")
import lib.rules, lib.synthesis
from lib.stacks import STACKS
create = STACKS["tap"].load()
finish("import the stack's modules")
app = cdktf.App()
create(app, "tap", settings=settings)
finish("create the resources")
app.synth()
finish("write the JSON")
templates = lib.synthesis.read_templates(__import__("pathlib").Path(app.outdir))
lib.synthesis._evaluate_rules(templates)
finish("evaluate the rules")
print(json.dumps(phases))
"""
# The origin of a function by the URL of its script, first match.
ORIGINS = (
    (r"/provider-aws/", "AWS provider bindings"),
    (r"/cdkt[fn]/", "cdktf"),
    (r"/constructs/", "constructs"),
    (r"/lib/program\.js$", "jsii kernel"),
    (r"preload\.cjs$", "preload of lib/bindings"),
    (r"^node:", "Node.js: modules, files, buffers"),
)
NOT_ACTIVE = {"(idle)", "(program)", "(root)"}


def report(environment: Mapping[str, str]) -> None:
    """Measure one synthesis of TapStack and print both tables."""
    _report_phases(_phases(environment))
    _report_origins(_origins(environment))


def _phases(environment: Mapping[str, str]) -> dict[str, tuple[float, float, int]]:
    with tempfile.TemporaryDirectory(prefix="profile-") as output:
        done = subprocess.run(
            [sys.executable, "-c", PHASES],
            cwd=ROOT,
            env={**environment, "CDKTF_OUTDIR": output, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise ToolError(f"profile of the synthesis: {done.stderr.strip()}")
    phases: dict[str, tuple[float, float, int]] = json.loads(done.stdout.splitlines()[-1])
    return phases


def _origins(environment: Mapping[str, str]) -> Counter[str]:
    """Return the milliseconds that Node.js was active, by origin of the function."""
    node = shutil.which(environment.get("JSII_NODE", "node"))
    if node is None:
        raise ToolError("Node.js: received none on PATH; accepted: Node.js 20 or 22. Install it.")
    with tempfile.TemporaryDirectory(prefix="profile-") as directory:
        folder = Path(directory)
        wrapper = folder / "node"
        options = f"--cpu-prof --cpu-prof-interval 200 --cpu-prof-dir {shlex.quote(directory)}"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(node)} {options} "$@"\n')
        wrapper.chmod(0o755)
        variables = {"JSII_NODE": str(wrapper), "CDKTF_OUTDIR": str(folder / "out")}
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=ROOT,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        profiles = sorted(folder.glob("*.cpuprofile"), key=lambda file: file.stat().st_size)
        if done.returncode != 0 or not profiles:
            raise ToolError(f"profile of Node.js: {done.stderr.strip()}")
        return _active(json.loads(profiles[-1].read_bytes()))


def _active(profile: Mapping[str, Any]) -> Counter[str]:
    functions = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    parents = {child: node["id"] for node in profile["nodes"] for child in node.get("children", ())}

    def frames(node: int | None) -> Iterator[Mapping[str, Any]]:
        while node is not None:
            yield functions[node]
            node = parents.get(node)

    origins: Counter[str] = Counter()
    for node, microseconds in zip(profile["samples"], profile["timeDeltas"], strict=True):
        if origin := _origin(list(frames(node))):
            origins[origin] += microseconds / 1000
    return origins


def _origin(frames: list[Mapping[str, Any]]) -> str | None:
    """Return the origin of a sample by its innermost script; None if Node.js was waiting."""
    name = frames[0]["functionName"]
    if name in NOT_ACTIVE or (name == "read" and any("readLine" in str(one) for one in frames)):
        return None
    if name == "(garbage collector)":
        return "garbage collection"
    for frame in frames:
        for pattern, origin in ORIGINS:
            if frame["url"] and re.search(pattern, frame["url"]):
                return origin
    return "other"


def _report_phases(phases: Mapping[str, tuple[float, float, int]]) -> None:
    print("| phase in Python | wall, ms | waiting for Node.js, ms | messages |")
    print("|---|---|---|---|")
    for name, (seconds, waiting, messages) in phases.items():
        print(f"| {name} | {seconds * 1000:.0f} | {waiting * 1000:.0f} | {messages} |")
    print()


def _report_origins(origins: Counter[str]) -> None:
    print("| running in Node.js | ms |")
    print("|---|---|")
    for origin, milliseconds in origins.most_common():
        print(f"| {origin} | {milliseconds:.0f} |")
    print()
