"""Extraction of archives, with and without the filters of Python 3.11.4."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.archive import extract
from tools.errors import ToolError


def archive(*members: tuple[str, bytes, str]) -> tarfile.TarFile:
    """An archive of members with a name, a type and the target of a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"text"))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


@pytest.fixture(params=["filters", "without filters"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python with the extraction filters, and one without them (3.11.0 to 3.11.3)."""
    if request.param == "filters":
        return
    extractall = tarfile.TarFile.extractall

    def older(self: tarfile.TarFile, path: Path) -> None:
        options: dict[str, Any] = (
            {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
        )
        extractall(self, path, **options)

    monkeypatch.setattr(tarfile.TarFile, "extractall", older)
    monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("python")
def test_files_and_links_are_extracted(tmp_path: Path) -> None:
    members = archive(
        ("pg/lib/libpq.so.5", tarfile.REGTYPE, ""),
        ("pg/lib/libpq.so", tarfile.SYMTYPE, "libpq.so.5"),
        ("pg/bin/psql", tarfile.LNKTYPE, "pg/lib/libpq.so.5"),
    )
    extract(members, tmp_path)
    assert (tmp_path / "pg/lib/libpq.so").read_text() == "text"
    assert (tmp_path / "pg/bin/psql").read_text() == "text"


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    "member",
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "../../outside"),
        ("link", tarfile.LNKTYPE, "../outside"),
        ("pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_member_outside_of_the_folder_is_rejected(
    member: tuple[str, bytes, str], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(ToolError, match=r"^archive: received the member '.+'; accepted: files"):
        extract(archive(member), folder)
    assert [*tmp_path.rglob("outside")] == []
