"""`tap verify-aws`: checks a deployment in an AWS account."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from tools.checks import has_failed, junit_xml, line, summary
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.verify_aws.stack import deployed_stacks
from tools.verify_aws.table import CHECKS, run_checks

_WIDTH = max(len(check.name) for check in CHECKS) + len("bastion: ")


def _write_immediately() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


@click.command(cls=ToolCommand)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write the results as JUnit XML into this file.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=1, max=3600),
    default=180.0,
    show_default=True,
    help="Seconds within which the summary and the alarm must arrive.",
)
def command(junit: Path | None, wait: float) -> int:
    """Check the deployed stacks in STACKS (tap) in the account of the credentials.

    Checks that log files arrive encrypted, that an alarm reaches a subscriber, that an uploaded
    sample becomes rows and a summary, that TLS is verified, and that prohibited uploads are denied.
    Prints one line per check: pass, fail or cannot tell, with the reason; exit code 1 if one fails.

    Requests are read-only with these exceptions: one alarm is in the state ALARM for seconds, which
    notifies all subscribers; a queue and its subscription are created and deleted; a report with
    three test cases is uploaded and remains; uploads are attempted that must be denied.
    """
    _write_immediately()
    # Removes the temporary queue and subscription also in response to SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stacks = deployed_stacks(wait)
    results = []
    for stack in stacks:
        print(f"{stack.name}: account {stack.account_id}, {stack.region}, {stack.endpoint}")
        for result in run_checks(stack):
            print(line(result, _WIDTH))
            results.append(result)
    if junit is not None:
        junit.write_text(junit_xml("verify-aws", results), encoding="utf-8")
    print(f"verify-aws: {summary(results)}")
    return FAILED if has_failed(results) else 0
