"""Deployment packages of functions."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from lib.compute.packaging import package_function

CODE = {"handler.py": "x = 1\n", "inner/part.py": "y = 2\n", "inner/__init__.py": ""}


def code(directory: Path) -> Path:
    source = directory / "code"
    for name, text in CODE.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    return source


def test_package_contains_the_code_at_its_root(tmp_path: Path) -> None:
    package = package_function(code(tmp_path), tmp_path / "build")
    with zipfile.ZipFile(package.path) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == CODE
        assert archive.namelist() == sorted(CODE)


def test_digests_are_those_of_the_zip_file(tmp_path: Path) -> None:
    package = package_function(code(tmp_path), tmp_path / "build")
    digest = hashlib.sha256(package.path.read_bytes())
    assert package.sha256 == digest.hexdigest()
    assert package.source_code_hash == base64.b64encode(digest.digest()).decode()
    assert package.path.stem in package.sha256


def test_times_modes_and_paths_of_files_do_not_change_the_package(tmp_path: Path) -> None:
    one = code(tmp_path / "one")
    other = code(tmp_path / "another folder")
    for number, file in enumerate(other.rglob("*.py")):
        os.utime(file, (10**9 + number, 10**9 + number))
        file.chmod(0o700)
    first, second = (package_function(s, tmp_path / "build") for s in (one, other))
    assert first == second


def test_package_excludes_files_that_are_not_code(tmp_path: Path) -> None:
    source = code(tmp_path)
    before = package_function(source, tmp_path / "build")
    for name in ("__pycache__/handler.cpython-311.pyc", "__pycache__/odd.py", "notes.txt", ".env"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("other")
    assert package_function(source, tmp_path / "build") == before


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_changed_code_gives_another_package(change: str, tmp_path: Path) -> None:
    source = code(tmp_path)
    before = package_function(source, tmp_path / "build")
    if change == "content":
        (source / "handler.py").write_text("x = 2\n")
    elif change == "name":
        (source / "handler.py").rename(source / "handlers.py")
    else:
        (source / "more.py").write_text("")
    after = package_function(source, tmp_path / "build")
    assert after.sha256 != before.sha256
    assert after.path != before.path
    assert before.path.is_file(), "another process may still be reading it"


def test_temporary_file_is_removed(tmp_path: Path) -> None:
    package = package_function(code(tmp_path), tmp_path / "build")
    assert [*(tmp_path / "build").glob("*.zip")] == [package.path]
    assert [*(tmp_path / "build").glob("*.part")] == []


def test_folder_without_code_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty/: received a folder without \.py files"):
        package_function(tmp_path / "empty", tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_unchanged_files_are_not_packaged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, build = tmp_path / "code", tmp_path / "build"
    source.mkdir()
    (source / "main.py").write_text("x = 1\n")
    first = package_function(source, build)
    with monkeypatch.context() as patch:
        patch.setattr("lib.compute.packaging._zipped", None)
        assert package_function(source, build) == first
    (source / "main.py").write_text("x = 22\n")
    second = package_function(source, build)
    assert second.sha256 != first.sha256
    second.path.write_bytes(second.path.read_bytes()[:-1])
    assert package_function(source, build).path.read_bytes().endswith(b"\0")
    second.path.unlink()
    assert package_function(source, build).path.is_file()
