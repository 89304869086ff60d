"""Makes jsii's runtime index appear, so that no synth has to parse all of AWS: `python -m
tools.warm_up`.

jsii unpacks each JavaScript package into a cache and writes an index of its types beside it, in a
worker that dies with the process. A fast app ends before the worker does, so the index may never
appear, and each run then parses the 130 MB description of the AWS provider again. This process
loads the packages and stays until the indexes are there. With all of them present it does nothing.
Exits 0 in any case: without the indexes synth works, only slower.
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

PATIENCE_SECONDS = 60
POLL_SECONDS = 0.05
PACKAGES = (Provider("constructs", "constructs"), Provider("cdktf", "cdktf"), *PROVIDERS)


def main() -> int:
    """Warm up and say so in one line; the exit code is always 0."""
    if os.environ.get("JSII_RUNTIME_PACKAGE_CACHE", "enabled").lower() != "enabled":
        print("warm-up: warning: synth will be slow, JSII_RUNTIME_PACKAGE_CACHE turns caching off")
        return 0
    if not shutil.which(os.environ.get("JSII_NODE", "node")):
        print("warm-up: warning: nothing done, Node is missing")
        return 0
    if not _missing():
        print("warm-up: jsii's runtime indexes are in place")
        return 0
    started = time.monotonic()
    try:
        for package in PACKAGES:
            importlib.import_module(f"{package.package}._jsii")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _missing() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    except Exception as error:  # whatever fails here, setup goes on
        print(f"warm-up: warning: synth will be slow, loading jsii failed: {error}")
        return 0
    seconds = time.monotonic() - started
    if missing := _missing():
        names = ", ".join(package.npm for package in missing)
        print(
            f"warm-up: warning: synth may be slow, after {seconds:.0f} s there is no runtime index"
            f" of {names} under {_cache_root()}"
        )
    else:
        print(f"warm-up: jsii's runtime indexes written in {seconds:.1f} s")
    return 0


def _missing() -> list[Provider]:
    """The packages without a complete index; the manifest is the file jsii writes last."""
    root = _cache_root()
    return [
        package
        for package in PACKAGES
        if not any(root.glob(f"{package.npm}/{_version(package.package)}/*/.jsii.runtime.v*.json"))
    ]


def _version(package: str) -> str:
    return importlib.metadata.version(package.replace("_", "-"))


def _cache_root() -> Path:
    """Where jsii keeps unpacked packages, by its own rules."""
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
