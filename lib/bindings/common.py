"""What the parts of the fast bindings share: the providers, the cache folder, the explanation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

PLAIN = "PLAIN_BINDINGS"
CHECKS = "BINDINGS_TYPE_CHECKS"
CACHE = "BINDINGS_CACHE"


class Provider(NamedTuple):
    """One provider's bindings: its Python package and the npm package inside it."""

    package: str
    npm: str


PROVIDERS = (
    Provider("cdktf_cdktf_provider_aws", "@cdktf/provider-aws"),
    Provider("cdktf_cdktf_provider_random", "@cdktf/provider-random"),
)
# The package of App and TerraformStack that the providers belong to: cdktf or cdktn.
ENGINE = PROVIDERS[0].package.split("_")[0]
PACKAGES = ("constructs", ENGINE, *(provider.package for provider in PROVIDERS))


def explain(effect: str, reason: object) -> None:
    """Print one line to stderr: which part is not used, and why."""
    print(f"bindings: {effect}, which is slow: {reason}", file=sys.stderr)


def cache_folder() -> Path:
    """Return the folder of compiled code; it may not exist yet."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen).absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fast-bindings"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fast-bindings"


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file so that other processes see either no file or all of its content."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        scratch.write_bytes(content)
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)


def is_set(variable: str) -> bool:
    """Whether a switch in the environment is on; `0`, `no` and `false` mean off."""
    return os.environ.get(variable, "").lower() not in ("", "0", "no", "false")
