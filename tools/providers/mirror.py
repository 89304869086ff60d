"""Installs Terraform's providers from this machine if no provider registry is reachable.

Terraform is not configured if the registry is reachable, or if the user's CLI configuration has a
``provider_installation`` block. Otherwise the providers that are found on the disk are linked into
a filesystem mirror under ``.local``, with a stand-in for hashicorp/random if that is not found.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools.project import ROOT

TERRAFORM_HOST = "registry.terraform.io"
OPENTOFU_HOST = "registry.opentofu.org"
STANDIN_VERSION = "3.7.2"

_SEARCH_SECONDS = 5.0
_SEARCH_DEPTH = 4
_NEVER_SEARCHED = {"node_modules", ".git", ".venv", "site-packages", "proc", "sys", "dev"}


@functools.cache
def registry_reachable(host: str) -> bool:
    """Whether the provider registry responds within 3 seconds; requested once per process."""
    # In a separate process, because name resolution has no time limit.
    code = (
        "import sys, urllib.request\n"
        "sys.exit(urllib.request.urlopen(sys.argv[1], timeout=3).status != 200)"
    )
    address = f"https://{host}/.well-known/terraform.json"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, address], capture_output=True, timeout=5, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def user_configuration() -> Path | None:
    """The user's Terraform CLI configuration, if it has a ``provider_installation`` block."""
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    for candidate in [Path(named)] if named else [Path.home() / ".terraformrc"]:
        try:
            if "provider_installation" in candidate.read_text(encoding="utf-8"):
                return candidate
        except OSError:
            continue
    return None


def _search_roots() -> list[Path]:
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share"))
    roots = [
        home / ".terraform.d",
        data / "terraform",
        *map(Path, ("/usr/local/share", "/usr/share/terraform", "/opt", "/srv", "/var/lib")),
        ROOT / "terraform.d",
        home,
    ]
    return [root for root in roots if root.is_dir()]


def _folders_named(name: str, root: Path, deadline: float) -> Iterator[Path]:
    level = [root]
    for _ in range(_SEARCH_DEPTH):
        deeper: list[Path] = []
        for folder in level:
            if time.monotonic() > deadline:
                return
            try:
                with os.scandir(folder) as entries:
                    inside = [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            for one in inside:
                if one.name == name:
                    yield one
                elif one.name not in _NEVER_SEARCHED:
                    deeper.append(one)
        level = deeper


@functools.cache
def mirrors() -> tuple[Path, ...]:
    """Folders on this disk that are named like the registry and contain hashicorp/aws.

    Searches Terraform's own locations and a few levels below common folders, for at most 5
    seconds, once per process.
    """
    deadline = time.monotonic() + _SEARCH_SECONDS
    ours = ROOT / ".local"
    found: dict[Path, None] = {}
    for root in _search_roots():
        for folder in _folders_named(TERRAFORM_HOST, root, deadline):
            if (folder / "hashicorp" / "aws").is_dir() and ours not in folder.parents:
                found[folder] = None
    return tuple(found)


def _platform() -> str:
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(
        platform.machine(), platform.machine()
    )
    return f"{platform.system().lower()}_{machine}"


def _link(provider: str, source: Path, mirror: Path) -> int:
    """Link every version of a provider in ``source`` into the mirror; returns their number."""
    target = _platform()
    packages = [
        *source.glob(f"hashicorp/{provider}/*/{target}"),
        *source.glob(f"hashicorp/{provider}/terraform-provider-{provider}_*_{target}.zip"),
    ]
    for package in packages:
        link = mirror / package.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(package)
    return len(packages)


def _install_standin(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / f"terraform-provider-random_v{STANDIN_VERSION}"
    script = Path(__file__).with_name("random_standin.py")
    # Independent of how Python was called: lock files of deployments contain this file's hash.
    python = Path(sys.prefix).resolve() / "bin" / "python"
    # The plugin framework stores its certificate in the home folder, which must not change.
    text = (
        f"#!/bin/sh\nHOME='{ROOT / '.local' / 'standin-home'}' exec '{python}' '{script}' \"$@\"\n"
    )
    if not launcher.exists() or launcher.read_text(encoding="utf-8") != text:
        launcher.write_text(text, encoding="utf-8")
        launcher.chmod(0o755)


def write_offline_configuration(host: str, folder: Path) -> Path | None:
    """Write a CLI configuration that installs all providers from this disk; None without aws.

    ``host`` is the default registry of the Terraform or OpenTofu in use.
    """
    mirror = folder / "mirror" / host
    if not sum(_link("aws", source, mirror) for source in mirrors()):
        return None
    standin = mirror / "hashicorp" / "random" / STANDIN_VERSION / _platform()
    if sum(_link("random", source, mirror) for source in mirrors()):
        if not standin.is_symlink():
            shutil.rmtree(standin, ignore_errors=True)
    else:
        _install_standin(standin)
    configuration = folder / "offline.tfrc"
    path = re.sub(r'(["\\])', r"\\\1", str(mirror.parent))
    configuration.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{path}"\n  }}\n}}\n',
        encoding="utf-8",
    )
    return configuration
