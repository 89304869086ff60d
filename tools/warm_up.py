"""Creates jsii's runtime indexes after an installation: `python -m tools.warm_up`.

jsii unpacks each JavaScript package into a cache and writes an index of its types in a background
thread. A short process ends before the thread does, so the index may never be written, and each
synthesis parses the 130 MB description of the AWS provider again. This process loads the packages
and waits until the indexes exist; if they exist already, it does nothing. The exit code is always
0, because synthesis works without the indexes, only slower.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from lib.bindings import PROVIDERS, Provider

TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.05
PACKAGES = (Provider("constructs", "constructs"), Provider("cdktf", "cdktf"), *PROVIDERS)


def main() -> int:
    """Create the missing indexes and print one line; returns 0."""
    if os.environ.get("JSII_RUNTIME_PACKAGE_CACHE", "enabled").lower() != "enabled":
        print("warm-up: warning: slow synthesis, JSII_RUNTIME_PACKAGE_CACHE disables the cache")
        return 0
    if not shutil.which(os.environ.get("JSII_NODE", "node")):
        print("warm-up: warning: no index created, Node is missing")
        return 0
    if not _missing():
        print("warm-up: jsii's runtime indexes exist")
        return 0
    started = time.monotonic()
    try:
        for package in PACKAGES:
            importlib.import_module(f"{package.package}._jsii")
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while _missing() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    except Exception as error:  # installation continues after any error
        print(f"warm-up: warning: synthesis will be slow, loading jsii failed: {error}")
        return 0
    seconds = time.monotonic() - started
    if missing := _missing():
        names = ", ".join(package.npm for package in missing)
        print(
            f"warm-up: warning: slow synthesis, after {seconds:.0f} s there is no runtime index"
            f" of {names} under {_cache_root()}"
        )
    else:
        print(f"warm-up: jsii's runtime indexes written in {seconds:.1f} s")
    return 0


def _missing() -> list[Provider]:
    """The packages without a complete index; jsii writes the manifest last."""
    root = _cache_root()
    return [
        package
        for package in PACKAGES
        if not any(root.glob(f"{package.npm}/{_version(package.package)}/*/.jsii.runtime.v*.json"))
    ]


def _version(package: str) -> str:
    return importlib.metadata.version(package.replace("_", "-"))


def _cache_root() -> Path:
    """The folder of jsii's unpacked packages, by jsii's own rules."""
    if chosen := os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"aws-jsii-package-cache-{os.getuid()}"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "com.amazonaws.jsii" / "package-cache"
    return home / ".cache" / "aws" / "jsii" / "package-cache"


if __name__ == "__main__":
    sys.exit(main())
