"""``python -m tools.plan_review``: 0 safe, 2 look, 3 stop, 1 where it could not be said."""

from __future__ import annotations

from collections.abc import Sequence

from tools.plan_review.command import arguments, deliver, guarded, say
from tools.plan_review.judging import review
from tools.plan_review.planning import plans
from tools.plan_review.report import report


def main(given: Sequence[str] | None = None) -> int:
    """Plan, judge and report; the exit code of the verdict."""
    about = "Reviews what a deployment of STACKS (tap) would change."
    options = arguments("plan-review", about).parse_args(given)
    judged = review(plans(told=say))
    deliver(options, report(judged), report(judged, limit=None))
    return judged.level.exit_code


if __name__ == "__main__":
    guarded(main)
