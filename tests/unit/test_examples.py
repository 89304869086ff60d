"""The examples: short stacks that use the constructs without the settings."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from lib.rules import Template, findings
from tests.support.examples import EXAMPLES, synthesize

FEWEST_LINES, MOST_LINES = 15, 40


def test_there_are_four_examples_with_a_description() -> None:
    readme = (EXAMPLES[0].parent / "README.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) == 4
    assert all(f"[{script.name}]({script.name})" in readme for script in EXAMPLES)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_example_is_short_and_reads_no_settings(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert FEWEST_LINES <= len(text.splitlines()) <= MOST_LINES
    modules = {
        node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    assert not any(module and module.startswith("lib.settings") for module in modules)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_example_synthesizes_and_violates_no_rule_of_high_severity(
    script: Path, tmp_path: Path
) -> None:
    document = json.loads((synthesize(script, tmp_path) / "cdk.tf.json").read_text("utf-8"))
    template = Template(document)
    assert findings(template, severity="high") == []
