"""Generated documents and pictures are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import docs
from tools.docs import Generator, generate, is_stale, stale_documents


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
    for row in rows:
        for file, text in generate(row, tmp_path):
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
    assert stale_documents(tmp_path) == []
    assert not is_stale(tmp_path / "none", None)
