"""Runs the user data of an instance with bash in a folder; its commands only log their calls."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AGENT = "/opt/aws/amazon-cloudwatch-agent"
COMMANDS = ("dnf", "httpd", "nginx", "sleep", "sshd", "systemctl", "yum")
LOGGING_COMMAND = """\
#!/bin/bash
echo "$(basename "$0") $*" >> "{root}/calls"
left=$(cat "{root}/failures/$(basename "$0")" 2>/dev/null || echo 0)
if [ "$left" -gt 0 ]; then
  echo $((left - 1)) > "{root}/failures/$(basename "$0")"
  exit 1
fi
"""


@dataclass(frozen=True)
class FirstBoot:
    """The result of a script: exit code, calls of commands in order, and files."""

    root: Path
    code: int
    calls: list[str]
    errors: str

    def file(self, path: str) -> str:
        """The text of a file by its path on the instance."""
        return (self.root / path.lstrip("/")).read_text(encoding="utf-8")

    def collected(self) -> dict[str, tuple[str, str]]:
        """The files that the CloudWatch agent collects: path to log group and stream."""
        (started,) = [call for call in self.calls if call.startswith("amazon-cloudwatch-agent-ctl")]
        (given,) = re.findall(r" -c file:(\S+)", started)
        config: dict[str, Any] = json.loads(Path(given).read_text(encoding="utf-8"))
        return {
            one["file_path"]: (one["log_group_name"], one["log_stream_name"])
            for one in config["logs"]["logs_collected"]["files"]["collect_list"]
        }


def first_boot(
    script: str,
    root: Path,
    *,
    files: Mapping[str, str] | None = None,
    failures: Mapping[str, int] | None = None,
) -> FirstBoot:
    """Run a script with /etc and /opt in `root`.

    `files` exist before it starts; `failures` is how many times a command fails at first.
    """
    executables = [root / "bin" / name for name in COMMANDS]
    executables.append(root / f"{AGENT}/bin/amazon-cloudwatch-agent-ctl".lstrip("/"))
    (root / f"{AGENT}/etc".lstrip("/")).mkdir(parents=True)
    (root / "failures").mkdir()
    for executable in executables:
        executable.parent.mkdir(parents=True, exist_ok=True)
        executable.write_text(LOGGING_COMMAND.format(root=root), encoding="utf-8")
        executable.chmod(0o755)
    for name, count in (failures or {}).items():
        (root / "failures" / name).write_text(str(count), encoding="utf-8")
    for path, text in (files or {}).items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", re.sub(r"(?<![\w/.-])/(etc|opt)/", rf"{root}/\1/", script)],
        env={"PATH": f"{root / 'bin'}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    calls = root / "calls"
    logged = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    return FirstBoot(root, done.returncode, logged, done.stderr)
