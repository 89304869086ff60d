"""Reads the JSON of a plan (``terraform show -json``) into changes without sensitive values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tools.errors import ToolError
from tools.plan_review.masking import UNKNOWN, Cover, Json, mask, sensitive_texts

_REFERENCE = re.compile(r"\$\{((?:data\.)?\w+\.[\w-]+)\.(\w+)\}")
_HASH = re.compile(r"_[0-9A-F]{8}$")

# Terraform's reasons, in words; for a replacement its attribute says more than its reason.
REASONS = {
    "replace_because_tainted": "it is tainted: its last apply failed half-way",
    "replace_by_request": "the plan was asked to (-replace)",
    "replace_by_triggers": "another resource triggers it (replace_triggered_by)",
    "delete_because_no_resource_config": "it is no longer in the code",
    "delete_because_no_module": "its module is no longer in the code",
    "delete_because_count_index": "count is lower now",
    "delete_because_each_key": "its key left for_each",
    "delete_because_wrong_repetition": "count or for_each came or went",
    "delete_because_no_move_target": "it was moved to what is not in the code",
}
_DEPOSED = "it was left over by an earlier replacement that did not end"


class Action(Enum):
    """What happens to a resource."""

    CREATE = "created"
    UPDATE = "changed"
    REPLACE = "replaced"
    DELETE = "destroyed"
    FORGET = "forgotten"
    READ = "read"
    NONE = "unchanged"


@dataclass(frozen=True)
class Change:
    """One resource: what it was, what it is to be, and where it stands in our code.

    ``before`` and ``after`` hold no sensitive value. What is known after the apply only is taken
    from the code where it says more than that. ``ignored`` are the attributes that the code leaves
    to others (``ignore_changes``).
    """

    stack: str
    address: str
    type: str
    action: Action
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    path: str
    forced_by: tuple[str, ...] = ()
    reason: str = ""
    suppressions: Mapping[str, str] = field(default_factory=dict)
    set_in_code: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()

    @property
    def construct(self) -> str:
        """The stack's own construct that it belongs to, which it is counted under."""
        return "/".join(self.path.split("/")[:2])


@dataclass(frozen=True)
class Plan:
    """The changes of one stack, what was found changed outside, and what covers its secrets.

    ``state`` has type and values of every resource as it was found just before planning.
    """

    stack: str
    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: tuple[str, ...]
    cover: Cover
    region: str
    whole: bool = True
    state: tuple[tuple[str, Mapping[str, Json]], ...] = ()


def read(stack: str, plan: Mapping[str, Json], synthesized: Mapping[str, Json]) -> Plan:
    """Read one stack's plan; ``synthesized`` is the JSON that was planned (``cdk.tf.json``).

    ToolError if the document is no plan of a known format, or the plan failed.
    """
    version = str(plan.get("format_version", ""))
    if version.partition(".")[0] != "1" or plan.get("errored"):
        what = "a failed plan" if plan.get("errored") else f"format_version {version!r}"
        raise ToolError(
            f"plan of {stack}: received {what}; accepted: a plan of format 1 without errors."
            " Run `terraform plan` in the stack's folder and see what it says."
        )
    reader = _Reader(stack, plan, synthesized)
    return Plan(
        stack=stack,
        changes=tuple(reader.changes("resource_changes")),
        drift=tuple(reader.changes("resource_drift")),
        outputs=tuple(
            sorted(
                name
                for name, change in (plan.get("output_changes") or {}).items()
                if change.get("actions") != ["no-op"]
            )
        ),
        cover=reader.cover,
        region=_region(synthesized),
        whole=plan.get("complete", True) is not False,
        state=tuple(reader.state()),
    )


def _region(synthesized: Mapping[str, Json]) -> str:
    providers = synthesized.get("provider", {}).get("aws", [])
    return str(providers[0].get("region", "")) if providers else ""


def action(names: list[str]) -> Action:
    """The action that Terraform's list of actions means."""
    if "delete" in names or "forget" in names:
        if "create" in names:
            return Action.REPLACE
        return Action.DELETE if "delete" in names else Action.FORGET
    single = {"create": Action.CREATE, "update": Action.UPDATE, "read": Action.READ}
    return single.get(names[0] if names else "", Action.NONE)


class _Reader:
    def __init__(
        self, stack: str, plan: Mapping[str, Json], synthesized: Mapping[str, Json]
    ) -> None:
        self._stack, self._plan, self._synthesized = stack, plan, synthesized
        self.cover = Cover(_secrets(plan))
        self._known = dict(_known_values(plan, self.cover))

    def changes(self, part: str) -> Iterator[Change]:
        for entry in self._plan.get(part) or ():
            if entry.get("mode") != "data":
                yield self._change(entry)

    def state(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        for resource in _resources(_state(self._plan, "prior_state").get("root_module", {})):
            if resource.get("mode") == "managed":
                marks = resource.get("sensitive_values")
                yield resource["type"], mask(resource.get("values") or {}, marks, self.cover)

    def _change(self, entry: Mapping[str, Json]) -> Change:
        told = entry["change"]
        written = self._written(entry)
        before = mask(told.get("before"), told.get("before_sensitive"), self.cover) or {}
        marks = told.get("after_sensitive")
        after = mask(told.get("after"), marks, self.cover) or {}
        after = self._with_unknown(after, told.get("after_unknown"), written, marks)
        about, reason = written.get("//", {}), entry.get("action_reason")
        return Change(
            stack=self._stack,
            address=self.cover.text(str(entry["address"])),
            type=str(entry["type"]),
            action=action(list(told["actions"])),
            before=before,
            after=after,
            path=self._path(entry, about),
            forced_by=tuple(
                self.cover.text(_dotted(path)) for path in told.get("replace_paths") or ()
            ),
            reason=_DEPOSED if entry.get("deposed") else REASONS.get(str(reason), ""),
            suppressions=_waivers(about),
            set_in_code=frozenset(name for name in written if name != "//"),
            ignored=_ignored(written.get("lifecycle")),
        )

    def _written(self, entry: Mapping[str, Json]) -> Mapping[str, Json]:
        """The resource as the synthesized JSON has it."""
        kinds = self._synthesized.get("resource", {})
        found = kinds.get(entry["type"], {}).get(entry["name"], {})
        return found if isinstance(found, Mapping) else {}

    def _path(self, entry: Mapping[str, Json], about: Mapping[str, Json]) -> str:
        path = about.get("metadata", {}).get("path")
        if not path:
            # It has left the code; its name is the construct's path, and cdktf's hash.
            name = _HASH.sub("", str(entry["name"])).replace("_", "/")
            path = f"{self._stack}/{name}"
        index = entry.get("index")
        suffix = "" if index is None else f"[{index}]"
        return self.cover.text(str(path).removesuffix("/Resource") + suffix)

    def _with_unknown(
        self, after: Json, unknown: Json, written: Mapping[str, Json], marks: Json
    ) -> Mapping[str, Json]:
        if not isinstance(unknown, Mapping):
            return dict(after)
        merged = dict(after)
        for name, inner in unknown.items():
            if inner is True:
                text = written.get(name)
                given = self._resolved(text) if isinstance(text, str) else UNKNOWN
                mark = marks.get(name) if isinstance(marks, Mapping) else None
                merged[name] = mask(given, mark, self.cover, name) if given != UNKNOWN else given
            else:
                merged[name] = _placed(merged.get(name), inner)
        return merged

    def _resolved(self, text: str) -> str:
        """The text with references put in where the plan knows what they refer to."""

        def value(match: re.Match[str]) -> str:
            known = self._known.get(match[1], {}).get(match[2])
            return known if isinstance(known, str) else match[0]

        return _REFERENCE.sub(value, text)


def _placed(value: Json, unknown: Json) -> Json:
    """The value with UNKNOWN wherever Terraform does not know it yet."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping):
        inner = dict(value) if isinstance(value, Mapping) else {}
        placed = {name: _placed(inner.get(name), mark) for name, mark in unknown.items()}
        placed = {name: one for name, one in placed.items() if one is not None}
        return inner | placed if inner or placed else value
    if isinstance(unknown, list):
        values = list(value) if isinstance(value, list) else []
        values += [None] * (len(unknown) - len(values))
        return [
            _placed(one, unknown[n]) if n < len(unknown) else one for n, one in enumerate(values)
        ]
    return value


def _waivers(about: Mapping[str, Json]) -> Mapping[str, str]:
    """The reasons beside a resource, each with its month."""
    since = about.get("suppressed_since", {})
    months = {name: f" (since {month})" for name, month in since.items()}
    return {
        name: f"{why}{months.get(name, '')}" for name, why in about.get("suppressions", {}).items()
    }


def _ignored(lifecycle: Json) -> frozenset[str]:
    block = lifecycle[0] if isinstance(lifecycle, list) and lifecycle else lifecycle
    names = block.get("ignore_changes", []) if isinstance(block, Mapping) else []
    return frozenset([names] if isinstance(names, str) else map(str, names))


def _dotted(path: list[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _resources(module: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _state(plan: Mapping[str, Json], part: str) -> Mapping[str, Json]:
    found = plan.get(part) or {}
    found = found.get("values", found) if part == "prior_state" else found
    return found or {}


def _secrets(plan: Mapping[str, Json]) -> Iterator[str]:
    """Every sensitive text in a plan, whichever part of it says so."""
    for part in ("resource_changes", "resource_drift"):
        for entry in plan.get(part) or ():
            told = entry["change"]
            yield from sensitive_texts(told.get("before"), told.get("before_sensitive"))
            yield from sensitive_texts(told.get("after"), told.get("after_sensitive"))
    for told in (plan.get("output_changes") or {}).values():
        yield from sensitive_texts(told.get("before"), told.get("before_sensitive"))
        yield from sensitive_texts(told.get("after"), told.get("after_sensitive"))
    for part in ("prior_state", "planned_values"):
        state = _state(plan, part)
        for resource in _resources(state.get("root_module", {})):
            marks = resource.get("sensitive_values")
            yield from sensitive_texts(resource.get("values"), marks)
        for output in state.get("outputs", {}).values():
            yield from sensitive_texts(output.get("value"), output.get("sensitive"))
    configured = (plan.get("configuration") or {}).get("root_module", {}).get("variables", {})
    for name, variable in (plan.get("variables") or {}).items():
        mark = configured.get(name, {}).get("sensitive", False)
        yield from sensitive_texts(variable.get("value"), mark, name)


def _known_values(
    plan: Mapping[str, Json], cover: Cover
) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """What references may stand for: data sources as read, resources as they are to be."""
    for resource in _resources(_state(plan, "prior_state").get("root_module", {})):
        if resource.get("mode") == "data":
            marks = resource.get("sensitive_values")
            yield resource["address"], mask(resource.get("values") or {}, marks, cover)
    for entry in plan.get("resource_changes") or ():
        told = entry["change"]
        if told.get("after"):
            yield entry["address"], mask(told["after"], told.get("after_sensitive"), cover)
