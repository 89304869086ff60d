"""Runs a small CDKTF app in a process of its own, and records what Python and Node.js loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lib import bindings
from lib.bindings import kernel

ROOT = Path(bindings.__file__).parents[2]
VARIABLES = ("NODE_OPTIONS", bindings.PLAIN, bindings.CHECKS, kernel.PRELOAD_PACKAGES)

APP = """
import sys
{first}
from lib.bindings import enable_fast_bindings
enable_fast_bindings()
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws import kms_key, provider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
import cdktf_cdktf_provider_random as random

app = App(outdir=sys.argv[1])
stack = TerraformStack(app, "sample")
provider.AwsProvider(stack, "aws", region="us-east-1", default_tags=[{{"tags": {{"A": "b"}}}}])
key = kms_key.KmsKey(stack, "key", enable_key_rotation=True)
bucket = S3Bucket(stack, "bucket", bucket="sample", tags={{"Key": key.arn}}, depends_on=[key])
random.provider.RandomProvider(stack, "random")
random.id.Id(stack, "id", byte_length=4, keepers={{"bucket": bucket.arn}})
app.synth()
print(sum(name.startswith("cdktf_cdktf_provider_aws.") for name in sys.modules))
"""
# The preload of another tool: writes the files of the provider that Node.js loaded.
SPY = """
const { isMainThread } = require("node:worker_threads");
process.on("exit", () => {
  const files = Object.keys(require.cache).filter((file) => file.includes("/provider-aws/lib/"));
  if (isMainThread && files.length)
    require("node:fs").writeFileSync(process.env.SPY_OUTPUT, files.join("\\n"));
});
"""


def python(code: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter; fails with its stderr unless it exits 0."""
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


class Run:
    """One run of APP: its output, the loaded modules and the synthesized JSON."""

    def __init__(self, directory: Path, first: str = "", **variables: str) -> None:
        spy = directory / "a spy" / "spy.cjs"
        spy.parent.mkdir()
        spy.write_text(SPY)
        seen = directory / "seen"
        done = python(
            APP.format(first=first),
            directory / "out",
            NODE_OPTIONS=f'--require "{spy}"',
            SPY_OUTPUT=str(seen),
            **variables,
        )
        self.stderr = done.stderr
        self.python_modules = int(done.stdout)
        self.node_files = seen.read_text().splitlines() if seen.exists() else []
        self.json = (directory / "out" / "stacks" / "sample" / "cdk.tf.json").read_bytes()

    @property
    def explanations(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if line.startswith("bindings: ")]
