"""The statements of docs/compliance.md, verified in the synthesized stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.config_table import CONFIG_RULES
from lib.rules import RULES, Controls
from lib.stacks import STACKS
from lib.template import listed
from tests.support.faults import FAULTS
from tests.support.owners import Owners, load, owners
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template
from tools.policy.compliance import document
from tools.policy.controls import (
    CIS_CONSTRUCT,
    CONFIG,
    CONFIG_CONTROLS,
    SETTINGS,
    Evidence,
)

# CIS v3.0.0 has five chapters, none with more than 22 recommendations.
CIS = re.compile(r"[1-5]\.(?:[1-4]\.)?(?:[1-9]|1[0-9]|2[0-2])")
FSBP = re.compile(r"[A-Z][A-Za-z0-9]+\.[1-9][0-9]*")
NIST = re.compile(r"(?:AC|AU|CA|CM|CP|IA|IR|PM|SC|SI)-[1-9][0-9]?(?:\([1-9][0-9]?\))?")
CONTROLS: dict[str, Controls] = {
    **{name: one.controls for name, one in RULES.items()},
    **{row.statement: row.controls for row in SETTINGS},
    **CONFIG_CONTROLS,
}
ENFORCED = [(one.name, construct) for one in RULES.values() for construct in one.enforced_by]


@pytest.fixture(scope="module")
def created_by(tmp_path_factory: pytest.TempPathFactory) -> Owners:
    return owners(tmp_path_factory.mktemp("owners"))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value in a body with its path; policy documents are parsed."""
    if isinstance(value, str) and '"Statement"' in value:
        value = json.loads(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, str(number)))
    else:
        yield path, value


def changed_resources(before: Template, after: Template) -> set[str]:
    """The construct paths of the resources of which a value was removed or changed."""
    now = {resource.address: resource.body for resource in after.resources()}
    return {
        resource.path
        for resource in before.resources()
        if resource.body != (body := now.get(resource.address))
        and not {*leaves(resource.body)} <= {*leaves(body)}
    }


@pytest.fixture(scope="module")
def enforcing(synth: Synthesizer, created_by: Owners) -> dict[str, set[type]]:
    """The classes of the constructs whose settings the planted violations of each rule remove."""
    found: dict[str, set[type]] = {name: set() for name in RULES}
    for name, stack, plant in FAULTS:
        compliant = synth(stack)
        copy = compliant.copy()
        plant(copy)
        found[name] |= {created_by[stack, path] for path in changed_resources(compliant, copy)}
    return found


@pytest.mark.parametrize(("rule", "construct"), ENFORCED)
def test_rule_reports_when_the_settings_of_a_construct_are_removed(
    rule: str, construct: str, enforcing: dict[str, set[type]]
) -> None:
    """`test_planted_violation_is_detected` shows that the rule reports the planted violations."""
    expected = load(construct)
    assert any(issubclass(one, expected) for one in enforcing[rule])


@pytest.mark.parametrize(
    "evidence",
    [one for row in SETTINGS for one in row.evidence],
    ids=lambda one: f"{one.type}.{one.argument}",
)
def test_every_resource_of_the_construct_has_the_setting(
    evidence: Evidence, synth: Synthesizer, created_by: Owners
) -> None:
    resources = [
        resource
        for stack in STACKS
        for resource in synth(stack).resources(evidence.type)
        if issubclass(created_by[stack, resource.path], load(evidence.construct))
    ]
    assert resources
    for resource in resources:
        assert re.search(evidence.pattern, json.dumps(argument(resource, evidence.argument)))


def argument(resource: Resource, path: str) -> Any:
    """The value of an argument within blocks; fails where it is not set."""
    value: Any = resource.body
    for part in path.split(".") if path else ():
        (block,) = listed(value)
        value = block[part]
    return value


def test_every_cis_alarm_has_a_metric_filter(tap: Template, created_by: Owners) -> None:
    patterns = {
        one["pattern"]
        for one in tap.of_type("aws_cloudwatch_log_metric_filter")
        if created_by["tap", one.path] is load(CIS_CONSTRUCT)
    }
    assert patterns == {row.pattern for row in CIS_ALARMS}


def test_every_config_rule_is_created(tap: Template, created_by: Owners) -> None:
    identifiers = {
        argument(one, "source.source_identifier")
        for one in tap.of_type("aws_config_config_rule")
        if created_by["tap", one.path] is load(CONFIG)
    }
    assert identifiers == {row.identifier for row in CONFIG_RULES} == {*CONFIG_CONTROLS}


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_have_the_form_of_their_standard(name: str) -> None:
    controls = CONTROLS[name]
    for form, named in ((CIS, controls.cis), (FSBP, controls.fsbp), (NIST, controls.nist)):
        assert all(form.fullmatch(one) for one in named), named
        assert len({*named}) == len(named)


def test_the_page_contains_every_row() -> None:
    text = document()
    assert all(f"| `{name}`: " in text for name in RULES)
    assert all(f"| 4.{row.number} |" in text for row in CIS_ALARMS)
    assert all(f"| `{row.identifier}` |" in text for row in CONFIG_RULES)
    assert all(f"| {row.statement} |" in text for row in SETTINGS)


def test_every_rule_of_high_severity_supports_a_control() -> None:
    for one in RULES.values():
        assert one.severity == "medium" or one.controls.nist, one.name
