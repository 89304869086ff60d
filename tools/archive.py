"""Extracts tar archives on every supported Python; Debian 12 has 3.11.2."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tools.errors import ToolError


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Extract an archive; raises ToolError if a member or link is outside the folder.

    Python has the extraction filters of PEP 706 since 3.11.4. Older versions get the same check of
    paths here.
    """
    if hasattr(tarfile, "data_filter"):
        try:
            archive.extractall(folder, filter="data")
        except tarfile.FilterError as error:
            raise ToolError(_message(error.tarinfo.name)) from error
        return
    for member in archive:
        _require_inside(member, folder)
    archive.extractall(folder)  # noqa: S202 - the paths are checked above


def _require_inside(member: tarfile.TarInfo, folder: Path) -> None:
    root = folder.resolve()
    paths = [root / member.name]
    if member.issym():
        paths.append(paths[0].parent / member.linkname)
    elif member.islnk():
        paths.append(root / member.linkname)
    regular = member.isfile() or member.isdir() or member.issym() or member.islnk()
    if not regular or not all(path.resolve().is_relative_to(root) for path in paths):
        raise ToolError(_message(member.name))


def _message(name: str) -> str:
    return (
        f"archive: received the member {name!r}; accepted: files, folders and links inside the"
        " archive's folder. Download the archive again."
    )
