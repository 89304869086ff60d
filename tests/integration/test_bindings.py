"""The fast bindings against the published bindings, which take many seconds to import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib import bindings
from tests.support.bindings_app import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lazy_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("lazy"))


def test_hooks_do_not_change_the_synthesized_bytes(lazy_run: Run, tmp_path: Path) -> None:
    # Coverage would trace the import of 2,213 modules.
    plain = Run(tmp_path, **{bindings.PLAIN: "1", "COVERAGE_PROCESS_CONFIG": ""})
    assert plain.python_modules > 2000, "this run was to be without the hooks"
    assert len(plain.node_files) > 2000, "this run was to be without the preload"
    assert plain.explanations == []
    assert json.loads(plain.json)["resource"]["aws_kms_key"]
    assert lazy_run.json == plain.json


def test_cdktf_imported_first_still_synthesizes_and_reports_the_reason(
    lazy_run: Run, tmp_path: Path
) -> None:
    late = Run(tmp_path, first="import cdktf")
    assert late.json == lazy_run.json
    assert late.python_modules < 10, "the Python hook is still in time"
    assert len(late.explanations) == 1
    assert "cdktf was imported before enable_fast_bindings() was called" in late.explanations[0]
