"""The table of controls: that it is up to date, and that what it names is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from lib.monitoring.cis_table import CIS_ALARMS
from lib.monitoring.compliance import CONFIG_RULES
from lib.rules import RULES
from tools.policy.compliance import TESTS, document
from tools.policy.controls import CONFIG_CONTROLS, Row, sections

ROOT = Path(__file__).resolve().parents[2]
ROWS = [row for _, rows in sections() for row in rows]
# CIS v3.0.0 has five chapters, and in none of them more than 22 recommendations.
CIS = re.compile(r"[1-5]\.(?:[1-4]\.)?(?:[1-9]|1[0-9]|2[0-2])")
FSBP = re.compile(r"[A-Z][A-Za-z0-9]+\.[1-9][0-9]*")
NIST = re.compile(r"(?:AC|AU|CA|CM|CP|IA|IR|PM|SC|SI)-[1-9][0-9]?(?:\([1-9][0-9]?\))?")


def functions(file: Path) -> set[str]:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_what_keeps_it_exists(row: Row) -> None:
    assert row.enforced_by
    for name in row.enforced_by:
        parts = name.split(".")
        for length in range(len(parts) - 1, 1, -1):
            try:
                found = importlib.import_module(".".join(parts[:length]))
            except ModuleNotFoundError:
                continue
            for part in parts[length:]:
                found = getattr(found, part)
            break
        else:
            pytest.fail(f"{name}: no such module")
        assert callable(found), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_what_shows_it_exists(row: Row) -> None:
    assert row.tests
    for name in row.tests:
        file, _, test = name.partition("::")
        assert test in functions(ROOT / TESTS / file), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_controls_have_the_form_of_their_standard(row: Row) -> None:
    controls = row.controls
    for form, named in ((CIS, controls.cis), (FSBP, controls.fsbp), (NIST, controls.nist)):
        assert all(form.fullmatch(one) for one in named), named
        assert len({*named}) == len(named)


def test_no_row_is_forgotten() -> None:
    text = document()
    assert all(f"| `{name}`: " in text for name in RULES)
    assert all(f"| 4.{row.number} |" in text for row in CIS_ALARMS)
    assert {row.identifier for row in CONFIG_RULES} == {*CONFIG_CONTROLS}


def test_every_promise_of_high_severity_serves_a_control() -> None:
    for one in RULES.values():
        assert one.severity == "medium" or one.controls.nist, one.name
