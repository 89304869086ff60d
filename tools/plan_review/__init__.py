"""Reads Terraform's plans and says in one Markdown report what matters: ``make plan-review``.

From the door inwards: ``planning`` synthesizes and plans, ``reading`` makes changes of the plan's
JSON and lets no sensitive value past (``masking``), ``judging`` holds them against the tables in
``verdict`` and ``tables``, ``report`` writes what came of it.
"""

from tools.plan_review.judging import Review, review
from tools.plan_review.reading import Plan, read
from tools.plan_review.report import COMMENT_LIMIT, report
from tools.plan_review.verdict import Level

__all__ = ["COMMENT_LIMIT", "Level", "Plan", "Review", "read", "report", "review"]
