"""``python -m tools.drift``: 0 no drift, 2 drift, 1 where it could not be said."""

from __future__ import annotations

from collections.abc import Sequence

from tools.drift.report import report
from tools.drift.trail import Trail
from tools.plan_review import outside
from tools.plan_review.command import arguments, deliver, guarded, say
from tools.plan_review.planning import plans

DRIFT = 2


def main(given: Sequence[str] | None = None) -> int:
    """Look at what is deployed, ask CloudTrail about what is not as it was, and report."""
    about = "Compares what is deployed of STACKS (tap) with what Terraform left there."
    options = arguments("drift", about).parse_args(given)
    found = [(plan, outside.drift(plan)) for plan in plans("-refresh-only", told=say)]
    trail = Trail()
    deeds = {
        (plan.stack, one.change.address): trail.deeds(one.change, plan.region)
        for plan, drift in found
        for one in drift
    }
    full = report(found, deeds, trail.silence, limit=None)
    deliver(options, report(found, deeds, trail.silence), full)
    return DRIFT if any(drift for _, drift in found) else 0


if __name__ == "__main__":
    guarded(main)
