"""Reviews Terraform plans: `plan-review PLAN.json`, `tap plan-review`, or from Python.

    from tools.plan_review import report, review

    result = review(json.loads(plan_text))
    print(result.level.name, report(result))

`review(plan, source=None)` accepts the document that `terraform show -json` prints for a plan of
any project. `source` is the synthesized JSON of the plan (`cdk.tf.json`): with it the report names
constructs instead of addresses and applies the suppressions. `read` and `evaluate` are the two
steps of `review`, for several plans with one verdict. Invalid documents raise
`tools.errors.ToolError`.

Modules: `reader` turns the JSON into changes (`model`) without sensitive values (`redaction`),
`evaluation` evaluates the registry in `rules`, `report` and `sections` write Markdown, `planning`
synthesizes and plans the stacks of this project.
"""

from tools.plan_review.evaluation import Review, evaluate, review
from tools.plan_review.findings import Finding, Level, Rule, Section
from tools.plan_review.model import Change, Plan
from tools.plan_review.reader import read
from tools.plan_review.report import COMMENT_LIMIT, report

__all__ = [
    "COMMENT_LIMIT",
    "Change",
    "Finding",
    "Level",
    "Plan",
    "Review",
    "Rule",
    "Section",
    "evaluate",
    "read",
    "report",
    "review",
]
