"""Packages a function's code so that the same code gives the same bytes everywhere."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BUILD_DIRECTORY = PROJECT / ".build"
# The earliest time a zip file can hold; file times would change the package with every checkout.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """A zip file, with its digest as hexadecimal text and as Lambda writes it (base64)."""

    path: Path
    sha256: str
    source_code_hash: str


def package_function(source: Path, build_directory: Path = BUILD_DIRECTORY) -> Package:
    """Zip the `.py` files under `source` flat at the package's root, whatever else lies there.

    Members are stored, not compressed, since compressors differ between machines. Raises
    `FileNotFoundError` where there is no code.
    """
    files = sorted(file for file in source.rglob("*.py") if "__pycache__" not in file.parts)
    if not files:
        raise FileNotFoundError(f"{source.name}/: received no .py file; nothing to package")
    build_directory.mkdir(parents=True, exist_ok=True)
    unfinished = build_directory / f"{source.name}.{os.getpid()}.part"
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            member = zipfile.ZipInfo(file.relative_to(source).as_posix(), EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, file.read_bytes())
    digest = hashlib.sha256(unfinished.read_bytes())
    path = build_directory / f"{digest.hexdigest()[:16]}.zip"
    unfinished.replace(path)
    return Package(path, digest.hexdigest(), base64.b64encode(digest.digest()).decode())
