"""`tap check-dates`, and the dates of docs/maintenance.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tools.check_dates import command, used_engine_versions
from tools.maintenance import table


def run(monkeypatch: pytest.MonkeyPatch, day: str) -> Any:
    monkeypatch.setenv("REFERENCE_DATE", day)
    return CliRunner().invoke(command, [])


def test_accepted_ends_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, "2026-10-01")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split(" of ")[1].split(" ended")[0] for line in lines[:-1]] == [
        *("CDK for Terraform", "Node.js 20", "Amazon Linux 2"),
    ]
    assert all(line.startswith("warning: ") and "Accepted: " in line for line in lines[:-1])
    assert lines[-1].endswith(" 0 passed; next: Aurora PostgreSQL 16.9 on 2026-12-31")


def test_near_end_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, "2026-11-25")
    assert result.exit_code == 0
    assert (
        "warning: the support of Aurora PostgreSQL 16.9 ends on 2026-12-31, in 36 days: "
        in result.output
    )


def test_passed_end_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, "2027-03-01")
    assert result.exit_code == 1
    errors = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert [line.split(" of ")[1].split(" ended")[0] for line in errors] == [
        *("Aurora PostgreSQL 16.9", "Aurora PostgreSQL 14", "RDS for PostgreSQL 14"),
    ]
    assert "; next: Node.js 22 on 2027-04-30" in result.output


def test_invalid_reference_date_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, "soon")
    assert result.exit_code == 2


def test_version_in_a_configuration_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ("aurora-postgresql", "16.10") not in used_engine_versions()
    (tmp_path / "dev.toml").write_text('[database]\nengine_version = "16.10"\n')
    monkeypatch.setattr("tools.check_dates.CONFIG_DIRECTORY", tmp_path)
    assert ("aurora-postgresql", "16.10") in used_engine_versions()


def test_table_does_not_depend_on_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    before = table()
    assert "| 31 December 2026 | [Aurora PostgreSQL 16.9]" in before
    monkeypatch.setenv("REFERENCE_DATE", "2040-01-01")
    assert table() == before
