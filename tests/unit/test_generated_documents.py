"""Generated documents and pictures are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tools import docs
from tools.docs import Generator, stale_documents, write_documents


def test_generated_documents_are_up_to_date() -> None:
    assert stale_documents() == [], "run `make docs`"


def single() -> str:
    return "one\n"


def several() -> dict[str, str]:
    return {"a": "A\n", "b": "B\n"}


def test_changed_missing_and_superfluous_files_are_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = (Generator("one.md", f"{__name__}:single"), Generator("p/*.svg", f"{__name__}:several"))
    monkeypatch.setattr(docs, "GENERATORS", rows)
    (tmp_path / "p").mkdir()
    (tmp_path / "one.md").write_text("two\n")
    (tmp_path / "p" / "a.svg").write_text("A\n")
    (tmp_path / "p" / "c.svg").write_text("C\n")
    assert stale_documents(tmp_path) == ["one.md", "p/b.svg", "p/c.svg"]
    assert write_documents(tmp_path) == ["one.md: written", "p/b.svg: written", "p/c.svg: removed"]
    assert stale_documents(tmp_path) == []
    assert write_documents(tmp_path) == []


def test_command_lists_stale_documents_and_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "stale_documents", lambda: ["one.md"])
    monkeypatch.setattr(docs, "write_documents", lambda: ["one.md: written"])
    result = CliRunner().invoke(docs.command, ["--check"])
    assert (result.exit_code, result.stdout) == (1, "one.md: stale; run `make docs`\n")
    result = CliRunner().invoke(docs.command, [])
    assert (result.exit_code, result.stdout) == (0, "one.md: written\n")
