"""The changes of a plan, as the rules and reports read them. They contain no sensitive value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tools.plan_review.redaction import Redactor
from tools.plan_review.values import Json

State = tuple[tuple[str, Mapping[str, Json]], ...]


class Action(Enum):
    """The action that Terraform plans for a resource."""

    CREATE = "created"
    UPDATE = "changed"
    REPLACE = "replaced"
    DELETE = "destroyed"
    FORGET = "forgotten"
    READ = "read"
    NONE = "unchanged"


@dataclass(frozen=True)
class Change:
    """The change of one resource.

    `path` is the path of its construct if the synthesized source is known, otherwise its address;
    `group` is the construct of the stack or the module that contains it. Attributes that are known
    only after the apply have the expression of the source, if there is one, or `UNKNOWN`.
    `configured` are the attributes that the code sets, `ignored` those of `ignore_changes`,
    `suppressions` the reasons in the source by the name of the rule or check.
    """

    plan: str
    address: str
    type: str
    action: Action
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    path: str
    group: str
    forced_by: tuple[str, ...] = ()
    reason: str = ""
    suppressions: Mapping[str, str] = field(default_factory=dict)
    configured: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """The changes of one plan, the drift that Terraform found, and the redactor of its secrets.

    `state` has the type and the values of every resource after the refresh that preceded the plan.
    """

    name: str
    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: tuple[str, ...]
    redactor: Redactor
    region: str
    complete: bool = True
    state: State = ()
