"""Apps that `tap bench synth` measures: `python -m tools.bench.apps empty | environments COUNT`.

They write to `$CDKTF_OUTDIR` like `main.py`. The modules of the benchmark are not imported, because
their import time would be part of the measured time.
"""

from __future__ import annotations

import os
import sys

from lib.bindings import enable_fast_bindings, start_kernel


def synthesize_empty() -> None:
    """Synthesize one stack with the AWS provider and no resource: the cost of any synthesis."""
    from cdktf import App, TerraformStack
    from cdktf_cdktf_provider_aws.provider import AwsProvider

    app = App()
    AwsProvider(TerraformStack(app, "empty"), "aws", region="us-east-1")
    app.synth()


def synthesize_environments(count: int) -> None:
    """Synthesize `count` environments of TapStack in one app."""
    from cdktf import App

    from lib.settings import load_settings
    from lib.tap_stack import TapStack

    app = App()
    for number in range(count):
        settings = load_settings({**os.environ, "ENVIRONMENT_SUFFIX": f"bench{number}"})
        TapStack(app, f"tap-{number}", settings=settings)
    app.synth()


if __name__ == "__main__":
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    enable_fast_bindings()
    start_kernel()
    if sys.argv[1] == "empty":
        synthesize_empty()
    else:
        synthesize_environments(int(sys.argv[2]))
