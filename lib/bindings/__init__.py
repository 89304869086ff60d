"""Fast loading of the CDK for Terraform bindings: `enable_fast_bindings()`.

A synthesis with the bindings as published spends more than 90 % of its time on loading: the package
`cdktf_cdktf_provider_aws` imports each of its 2,212 submodules when one of them is imported, its
JavaScript half does the same in the Node.js process of jsii, and most of the remaining work is type
checks at run time and the compilation of JavaScript. This package changes that without modifying a
published file. The synthesized JSON stays the same, byte by byte.

| module | what it does |
|---|---|
| `lazy` | imports only the provider submodules that the app uses |
| `compact` | runs the generated modules without type checks, docstrings and annotations |
| `kernel` | starts Node.js while Python imports, without jsii's intermediate process |
| `preload.cjs` | in Node.js: lazy provider index, V8 code cache, no stack trace for each token |

Use in another project (copy `lib/bindings` or install this project):

    from lib.bindings import enable_fast_bindings, start_kernel

    enable_fast_bindings()  # before the first import of cdktf or of a provider
    start_kernel()          # optional: Node.js loads the AWS provider while Python continues
    from cdktf import App

Type checkers see the published packages, so mypy finds wrong argument types that the run-time
checks would find; what it misses, jsii's kernel rejects in Node.js with the name of the argument.

If a part cannot be used, it prints one line to stderr, and the bindings work as published, slower.

Environment variables:

- `PLAIN_BINDINGS=1`: use the bindings as published; no part of this package is active.
- `BINDINGS_TYPE_CHECKS=1`: keep jsii's run-time type checks and the stack traces of tokens.
- `BINDINGS_CACHE`: folder of compiled code instead of `fast-bindings` in the user's cache folder
  (`$XDG_CACHE_HOME`, `~/.cache`, on macOS `~/Library/Caches`). It can be deleted at any time.
"""

from __future__ import annotations

import sys

from lib.bindings import compact, kernel, lazy
from lib.bindings.common import CHECKS, PLAIN, PROVIDERS, Provider, explain, is_set

__all__ = ["CHECKS", "PLAIN", "PROVIDERS", "Provider", "enable_fast_bindings", "start_kernel"]


def enable_fast_bindings() -> None:
    """Install the import hooks and the preload of Node.js; a second call changes nothing.

    Call it before the first import of `cdktf` or of a provider. No process is started.
    """
    if is_set(PLAIN) or any(isinstance(one, lazy.Finder) for one in sys.meta_path):
        return
    for provider in PROVIDERS:
        if provider.package in sys.modules:
            reason = "it was imported before enable_fast_bindings() was called"
            explain(f"loading all of {provider.package}", reason)
    kernel.preload_in_node()
    sys.meta_path[:0] = [lazy.Finder(), compact.Finder(), kernel.Finder()]


def start_kernel() -> None:
    """Start Node.js and let it load the AWS provider while this process continues.

    The import of `cdktf` then uses that process. Does nothing without `enable_fast_bindings()`, on
    Windows, or if Node.js is missing, which the import of `cdktf` reports.
    """
    if any(isinstance(one, kernel.Finder) for one in sys.meta_path):
        kernel.start()
