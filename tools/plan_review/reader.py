"""Reads the JSON of a plan (`terraform show -json`) into changes without sensitive values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from tools.plan_review.document import Fields, plan_fields, source_fields
from tools.plan_review.model import Action, Change, Plan
from tools.plan_review.redaction import Redactor, sensitive_texts
from tools.plan_review.source import Configuration, Source, ignored_changes
from tools.plan_review.values import UNKNOWN, Json

_REFERENCE = re.compile(r"\$\{((?:data\.)?\w+\.[\w-]+)\.(\w+)\}")

# Descriptions of Terraform's `action_reason`. Reasons of replacements without a description are
# explained by the attributes that force them.
REASONS = {
    "replace_because_tainted": "the resource is tainted: its last apply failed",
    "replace_by_request": "requested with -replace",
    "replace_by_triggers": "triggered by another resource (replace_triggered_by)",
    "delete_because_no_resource_config": "the resource is no longer in the code",
    "delete_because_no_module": "its module is no longer in the code",
    "delete_because_count_index": "count was reduced",
    "delete_because_each_key": "its key was removed from for_each",
    "delete_because_wrong_repetition": "count or for_each was added or removed",
    "delete_because_no_move_target": "it was moved to an address that is not in the code",
}
_DEPOSED = "deposed object of an earlier replacement that did not finish"


def read(
    plan: Mapping[str, Json],
    source: Mapping[str, Json] | None = None,
    *,
    name: str = "",
) -> Plan:
    """Read a plan.

    `plan` is the document that `terraform show -json` prints for a plan, `source` the synthesized
    JSON that was planned (`cdk.tf.json`), if there is one. `name` identifies the plan in reports;
    by default it is the name of the stack in the source, or `plan`. Raises ToolError if a document
    does not have the expected structure, or if the plan failed.
    """
    try:
        return _Reader(plan, source, name).plan()
    except RecursionError as error:
        raise plan_fields(name or "plan").error("a document that is nested too deeply") from error


# Every plan has one of these parts.
_PARTS = {"planned_values", "configuration", "prior_state", "resource_changes", "output_changes"}
# https://developer.hashicorp.com/terraform/internals/json-format#change-representation
_ACTIONS = {
    ("no-op",): Action.NONE,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("forget",): Action.FORGET,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("create", "forget"): Action.REPLACE,
}


def to_action(names: Sequence[str]) -> Action | None:
    """Return the action for Terraform's list of actions; None for an unknown list."""
    return _ACTIONS.get(tuple(names))


class _Reader:
    def __init__(
        self, document: Mapping[str, Json], source: Mapping[str, Json] | None, name: str
    ) -> None:
        fields = source_fields(name or "the plan")
        self._source = Source(source, fields) if source is not None else None
        self._name = name or (self._source.stack if self._source else "") or "plan"
        self._fields = plan_fields(self._name)
        self._document = document
        self._require_plan()
        self._redactor = Redactor(self._secrets())
        self._known = dict(self._known_values())
        configuration = self._part("configuration")
        self._configuration = Configuration(configuration, self._fields)

    def _require_plan(self) -> None:
        version = str(self._document.get("format_version") or "")
        if version.partition(".")[0] != "1":
            raise self._fields.error(f"format_version {version!r} instead of 1.x")
        if "values" in self._document and "resource_changes" not in self._document:
            raise self._fields.error("a state instead of a plan")
        if self._document.get("errored"):
            raise self._fields.error("the plan of a run that failed (`errored` is true)")
        if not _PARTS & {*self._document}:
            raise self._fields.error("a document without the parts of a plan")

    def plan(self) -> Plan:
        outputs = self._fields.named(self._document.get("output_changes"), "output_changes")
        return Plan(
            name=self._name,
            changes=tuple(self._changes("resource_changes")),
            drift=tuple(self._changes("resource_drift")),
            outputs=tuple(
                sorted(name for name, _, one in outputs if one.get("actions") != ["no-op"])
            ),
            redactor=self._redactor,
            region=self._source.region if self._source else "",
            complete=self._document.get("complete", True) is not False,
            state=tuple(self._state_values()),
        )

    # ---- the parts of the document --------------------------------------------------------------

    def _part(self, name: str) -> Mapping[str, Json]:
        return self._fields.mapping(self._document.get(name), name)

    def _entries(self, part: str) -> Iterator[tuple[str, Mapping[str, Json], Mapping[str, Json]]]:
        """Yield path, entry and `change` of the entries of a part."""
        for path, entry in self._fields.mappings(self._document.get(part), part):
            for member in ("address", "type"):
                self._fields.text(entry.get(member), f"{path}.{member}")
            change = self._fields.mapping(entry.get("change"), f"{path}.change")
            for member in ("before", "after"):
                self._fields.mapping(change.get(member), f"{path}.change.{member}")
            yield path, entry, change

    def _resources(self, part: str) -> Iterator[Mapping[str, Json]]:
        """Yield the resources of all modules in `prior_state` or `planned_values`."""
        root = self._fields.mapping(self._state(part).get("root_module"), f"{part}.root_module")
        yield from _module_resources(self._fields, root, part)

    def _state(self, part: str) -> Mapping[str, Json]:
        found = self._part(part)
        if "values" in found:
            return self._fields.mapping(found["values"], f"{part}.values")
        return found

    def _secrets(self) -> Iterator[str]:
        """Yield every sensitive text, whichever part of the plan marks it."""
        for part in ("resource_changes", "resource_drift"):
            for _, _, change in self._entries(part):
                yield from _secrets_of_change(change)
        for _, _, change in self._fields.named(
            self._document.get("output_changes"), "output_changes"
        ):
            yield from _secrets_of_change(change)
        for part in ("prior_state", "planned_values"):
            for resource in self._resources(part):
                yield from sensitive_texts(resource.get("values"), resource.get("sensitive_values"))
            outputs = self._fields.named(self._state(part).get("outputs"), f"{part}.outputs")
            for _, _, output in outputs:
                yield from sensitive_texts(output.get("value"), output.get("sensitive"))
        configuration = self._part("configuration")
        root = self._fields.mapping(configuration.get("root_module"), "configuration.root_module")
        declared = self._fields.mapping(root.get("variables"), "configuration variables")
        for name, _, variable in self._fields.named(self._document.get("variables"), "variables"):
            declaration = self._fields.mapping(declared.get(name), f"variable {name}")
            mark = declaration.get("sensitive", False)
            yield from sensitive_texts(variable.get("value"), mark, name)

    def _known_values(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """Yield the values that references can refer to: data sources and planned resources."""
        for resource in self._resources("prior_state"):
            if resource.get("mode") == "data":
                yield str(resource.get("address")), self._values(resource)
        for _, entry, change in self._entries("resource_changes"):
            if change.get("after"):
                marks = change.get("after_sensitive")
                yield entry["address"], self._redactor.value(change["after"], marks)

    def _state_values(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        for resource in self._resources("prior_state"):
            if resource.get("mode") == "managed":
                yield str(resource.get("type")), self._values(resource)

    def _values(self, resource: Mapping[str, Json]) -> Mapping[str, Json]:
        values = self._fields.mapping(resource.get("values"), "values of a resource")
        redacted: Mapping[str, Json] = self._redactor.value(
            values, resource.get("sensitive_values")
        )
        return redacted

    # ---- changes --------------------------------------------------------------------------------

    def _changes(self, part: str) -> Iterator[Change]:
        for path, entry, change in self._entries(part):
            if entry.get("mode") != "data":
                yield self._change(path, entry, change)

    def _change(self, where: str, entry: Mapping[str, Json], change: Mapping[str, Json]) -> Change:
        body = self._source.body(entry) if self._source else {}
        configured = frozenset(body) - {"//"} or self._configuration.attributes(entry)
        marks = change.get("after_sensitive")
        before = self._redactor.value(change.get("before") or {}, change.get("before_sensitive"))
        after = self._redactor.value(change.get("after") or {}, marks)
        actions = self._fields.sequence(change.get("actions"), f"{where}.change.actions")
        forced_by = self._fields.sequence(
            change.get("replace_paths"), f"{where}.change.replace_paths"
        )
        path, group = self._location(entry)
        reason = REASONS.get(str(entry.get("action_reason")), "")
        action = to_action(list(map(str, actions)))
        if action is None:
            raise self._fields.error(f"the unknown actions {actions!r} of {entry['address']}")
        return Change(
            plan=self._name,
            address=self._redactor.text(entry["address"]),
            type=entry["type"],
            action=action,
            before=before,
            after=self._with_unknown(after, change.get("after_unknown"), body, marks),
            path=path,
            group=group,
            forced_by=tuple(self._redactor.text(_dotted(one)) for one in forced_by),
            reason=_DEPOSED if entry.get("deposed") else reason,
            suppressions=self._source.suppressions(entry) if self._source else {},
            configured=configured,
            ignored=ignored_changes(body),
        )

    def _location(self, entry: Mapping[str, Json]) -> tuple[str, str]:
        """Return the path of a resource, and the construct or module that contains it."""
        module = str(entry.get("module_address") or "")
        if self._source is None or module:
            path = self._redactor.text(entry["address"])
            return path, self._redactor.text(module) or "root module"
        path = self._source.path(entry, self._name)
        index = entry.get("index")
        path = self._redactor.text(path + ("" if index is None else f"[{index}]"))
        return path, "/".join(path.split("/")[:2])

    def _with_unknown(
        self, after: Json, unknown: Json, body: Mapping[str, Json], marks: Json
    ) -> Mapping[str, Json]:
        """Add what is known only after the apply: the source's expression, or UNKNOWN."""
        merged = dict(after)
        for name, inner in (unknown if isinstance(unknown, Mapping) else {}).items():
            if inner is True:
                text = body.get(name)
                value = self._resolve(text) if isinstance(text, str) else UNKNOWN
                mark = marks.get(name) if isinstance(marks, Mapping) else None
                merged[name] = (
                    value if value is UNKNOWN else self._redactor.value(value, mark, name)
                )
            else:
                merged[name] = _place_unknown(merged.get(name), inner)
        return merged

    def _resolve(self, text: str) -> str:
        """Replace the references in a text whose value the plan contains."""

        def value(match: re.Match[str]) -> str:
            known = self._known.get(match[1], {}).get(match[2])
            return known if isinstance(known, str) else match[0]

        return _REFERENCE.sub(value, text)


def _place_unknown(value: Json, unknown: Json) -> Json:
    """Return the value with UNKNOWN wherever Terraform marks it as unknown."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping):
        inner = dict(value) if isinstance(value, Mapping) else {}
        placed = {name: _place_unknown(inner.get(name), mark) for name, mark in unknown.items()}
        placed = {name: one for name, one in placed.items() if one is not None}
        return inner | placed if inner or placed else value
    if isinstance(unknown, list):
        values = list(value) if isinstance(value, list) else []
        values += [None] * (len(unknown) - len(values))
        marks = [*unknown, *[None] * (len(values) - len(unknown))]
        return [_place_unknown(one, mark) for one, mark in zip(values, marks, strict=True)]
    return value


def _dotted(path: Json) -> str:
    """Return a path as text: `["list", 0, "name"]` gives `list[0].name`."""
    steps = path if isinstance(path, list) else [path]
    names = (f"[{step}]" if isinstance(step, int | float) else f".{_text(step)}" for step in steps)
    return "".join(names).removeprefix(".")


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _module_resources(
    fields: Fields, module: Mapping[str, Json], path: str
) -> Iterator[Mapping[str, Json]]:
    for _, resource in fields.mappings(module.get("resources"), f"{path}.resources"):
        yield resource
    for where, child in fields.mappings(module.get("child_modules"), f"{path}.child_modules"):
        yield from _module_resources(fields, child, where)


def _secrets_of_change(change: Mapping[str, Json]) -> Iterator[str]:
    yield from sensitive_texts(change.get("before"), change.get("before_sensitive"))
    yield from sensitive_texts(change.get("after"), change.get("after_sensitive"))
