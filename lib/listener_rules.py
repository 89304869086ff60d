"""Evaluation of the rules of an Application Load Balancer's listener for a request.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.template import Json, Resource, Template, listed


@dataclass(frozen=True)
class Request:
    """A request that a listener receives: host, path without query string, and headers."""

    host: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """The value of a header, whose name is compared without case; None without the header."""
        return next(
            (value for key, value in self.headers.items() if key.lower() == name.lower()), None
        )


@dataclass(frozen=True)
class Condition:
    """One condition: `field` as in the API (`host-header`), accepted values, and header name."""

    field: str
    values: tuple[str, ...]
    header: str = ""

    def is_met_by(self, request: Request) -> bool:
        """Return whether a value matches; raises `ValueError` for a field without a model here."""
        if self.field == "path-pattern":
            return _matches(self.values, request.path, re.NOFLAG)
        if self.field == "host-header":
            return _matches(self.values, request.host, re.IGNORECASE)
        if self.field == "http-header":
            return _matches(self.values, request.header(self.header), re.IGNORECASE)
        raise ValueError(f"a condition on {self.field} cannot be evaluated")


@dataclass(frozen=True)
class ListenerRule:
    """A rule: its priority (the default rule has the highest), conditions and type of action.

    `target` is the target group to which an action of the type `forward` forwards.
    """

    priority: float
    conditions: tuple[Condition, ...]
    action: str
    target: str = ""


def applied_rule(rules: Iterable[ListenerRule], request: Request) -> ListenerRule:
    """The rule with the lowest priority of those whose conditions are all met by a request."""
    return min(
        (
            rule
            for rule in rules
            if all(condition.is_met_by(request) for condition in rule.conditions)
        ),
        key=lambda rule: rule.priority,
    )


def rules_of(template: Template, listener: Resource) -> list[ListenerRule]:
    """The rules of a listener in synthesized JSON, the default rule included."""
    own = [
        one
        for one in template.resources("aws_lb_listener_rule")
        if one.get("listener_arn") == listener.ref("arn")
    ]
    return [
        _rule(float("inf"), [], listed(listener["default_action"])),
        *(_rule(one["priority"], listed(one["condition"]), listed(one["action"])) for one in own),
    ]


def _rule(priority: float, conditions: list[Json], actions: list[Json]) -> ListenerRule:
    # Other actions, such as authentication, precede the last one.
    last = actions[-1]
    return ListenerRule(
        priority,
        tuple(
            Condition(
                name.replace("_", "-"),
                tuple(block.get("values", ())),
                block.get("http_header_name", ""),
            )
            for condition in conditions
            for name, blocks in condition.items()
            for block in listed(blocks)
        ),
        "forward" if "forward" in last else last["type"],
        last.get("target_group_arn", ""),
    )


def _matches(patterns: Iterable[str], value: str | None, flags: re.RegexFlag) -> bool:
    """Return whether a pattern with the wildcards `*` and `?` matches the whole value."""
    return value is not None and any(
        re.fullmatch(re.escape(one).replace(r"\*", ".*").replace(r"\?", "."), value, flags)
        for one in patterns
    )
