"""IAM policies: statements that constructs write, and documents that tools read and evaluate.

The only model of the policy language in the project; it imports no bindings.

- Write: `document(Statement(sid="Read", actions=["s3:GetObject"], resources=[arn]))`.
- Read: `parse(document)` returns the same `Statement` class; `statement.covers(other)`,
  `statement.public`, `statement.meaning` compare statements.
- Match: `matches(pattern, text)`, `covers(pattern, other)`, and `action_…` for names of actions.
- Evaluate: `evaluate([document], Request(action, resource, principal, context))`.
"""

from lib.iam_policy.conditions import ConditionError
from lib.iam_policy.evaluation import Decision, Request, applies, evaluate
from lib.iam_policy.patterns import (
    action_covers,
    action_matches,
    any_covers,
    any_matches,
    covers,
    matches,
    overlaps,
)
from lib.iam_policy.statement import (
    EVERYONE,
    Conditions,
    Effect,
    PolicyError,
    Principals,
    Statement,
    document,
    is_policy,
    parse,
    service,
)

__all__ = [
    "EVERYONE",
    "ConditionError",
    "Conditions",
    "Decision",
    "Effect",
    "PolicyError",
    "Principals",
    "Request",
    "Statement",
    "action_covers",
    "action_matches",
    "any_covers",
    "any_matches",
    "applies",
    "covers",
    "document",
    "evaluate",
    "is_policy",
    "matches",
    "overlaps",
    "parse",
    "service",
]
