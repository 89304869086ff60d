"""Contents of the function's deployment package."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from lib.compute.packaging import (
    CERTIFICATES,
    PROJECT,
    ca_bundle,
    dependencies_of,
    package_function,
)
from tools import function_dependencies

SOURCE = PROJECT / "lambda"
# Lambda accepts 50 MB in a direct upload; a cold start downloads and extracts the package.
MAX_PACKAGE_BYTES = 4_000_000
PINS = re.compile(r"([a-z0-9-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package_function(SOURCE, tmp_path_factory.mktemp("package")).path


@pytest.fixture(scope="module")
def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def pins() -> dict[str, str]:
    lines = (SOURCE / "requirements.txt").read_text().splitlines()
    matches = [PINS.fullmatch(line) for line in lines if not line.startswith("#")]
    return {match[1]: match[2] for match in matches if match}


def test_package_size_is_limited(package: Path) -> None:
    assert package.stat().st_size < MAX_PACKAGE_BYTES


def test_package_contains_code_migrations_and_certificates_only(names: list[str]) -> None:
    others = {name for name in names if not name.endswith(".py")}
    metadata = {name for name in others if name.endswith(".dist-info/METADATA")}
    assert others - metadata == {
        "rds-ca.pem",
        *(f"sql/{file.name}" for file in (SOURCE / "sql").glob("*.sql")),
    }
    assert len(metadata) == len(pins())
    tops = {name.partition("/")[0] for name in names}
    assert tops.isdisjoint({"boto3", "botocore", "s3transfer", "bin", "tests", "test"})
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyi")]


def test_every_requirement_is_pinned_by_hash() -> None:
    lines = (SOURCE / "requirements.txt").read_text().splitlines()
    assert all(line.startswith("#") or PINS.fullmatch(line) for line in lines)
    wanted = [
        line
        for line in (SOURCE / "requirements.in").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert set(wanted) <= set(pins())
    assert not re.search(r"https?:|index-url|find-links", "\n".join([*lines, *wanted]))


@pytest.mark.parametrize("name", sorted(pins()))
def test_installed_version_is_the_packaged_version(name: str) -> None:
    assert version(name) == pins()[name]


def test_handler_requires_the_package_only(package: Path, tmp_path: Path) -> None:
    """In a process with the package and boto3, as in the Python runtime of Lambda."""
    code, runtime = tmp_path / "code", tmp_path / "runtime"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(code)
    runtime.mkdir()
    import boto3

    installed = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        (runtime / name).symlink_to(installed / name)
    script = (
        f"import sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]\n"
        "import data_processor, environment, migrations, pg8000, dateutil\n"
        "assert len(migrations.load_migrations()) >= 2\n"
        "import database; database.create_tls_context(environment._CA_BUNDLE)\n"
        "foreign = [m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)"
        " and 'site-packages' in m.__file__]\n"
        "print(foreign)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "[]\n")


def test_ca_bundle_contains_amazon_root_certificates(tmp_path: Path) -> None:
    bundle = ca_bundle()
    assert bundle == ca_bundle()
    file = tmp_path / "ca.pem"
    file.write_bytes(bundle)
    context = ssl.create_default_context(cafile=str(file))
    certificates: Any = context.get_ca_certs()
    subjects = [dict(part[0] for part in certificate["subject"]) for certificate in certificates]
    assert {subject["organizationName"] for subject in subjects} == {"Amazon Web Services, Inc."}
    names = {subject["commonName"] for subject in subjects}
    for kind in ("RSA2048", "RSA4096", "ECC384"):
        assert f"Amazon RDS us-east-1 Root CA {kind} G1" in names


@pytest.mark.parametrize(
    "text",
    ["", "exports.defaults = [];", "'-----BEGIN CERTIFICATE-----\\n' + 'AAAA\\n', 'other'"],
)
def test_other_certificates_are_rejected(text: str, tmp_path: Path) -> None:
    file = tmp_path / "defaults.js"
    file.write_text(text)
    with pytest.raises(ValueError, match="Certificates of Amazon RDS: received 0 certificates"):
        ca_bundle(file)


def test_error_for_missing_certificates_contains_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"received no npm package .* Run `make setup`\."):
        package_function(SOURCE, tmp_path, certificates=tmp_path / "none.js")


def test_error_for_missing_packages_contains_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lambda/requirements\.txt: .* Run `make setup`\."):
        package_function(SOURCE, tmp_path, dependencies=tmp_path)
    assert [*tmp_path.iterdir()] == []


def function(tmp_path: Path) -> tuple[Path, Path]:
    """Return the folder of a function with one requirement, and the folder of its packages."""
    source, dependencies = tmp_path / "code", tmp_path / "dependencies"
    source.mkdir()
    (source / "handler.py").write_text("")
    (source / "requirements.txt").write_text("thing==1\n")
    folder = dependencies_of(source / "requirements.txt", dependencies)
    for name in (
        *("thing/__init__.py", "thing/__init__.pyi", "thing/py.typed", "thing/data.json"),
        *("thing/__pycache__/a.pyc", "bin/thing.py", "thing-1.dist-info/METADATA"),
        *("thing-1.dist-info/RECORD", "thing-1.dist-info/licenses/code.py"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return source, dependencies


def test_package_excludes_files_without_runtime_use(tmp_path: Path) -> None:
    source, dependencies = function(tmp_path)
    package = package_function(source, tmp_path / "build", dependencies=dependencies)
    with zipfile.ZipFile(package.path) as archive:
        assert archive.namelist() == [
            *("handler.py", "rds-ca.pem", "thing-1.dist-info/METADATA", "thing/__init__.py"),
        ]
        assert archive.read("rds-ca.pem") == ca_bundle(CERTIFICATES)


def test_changed_requirements_have_a_separate_folder(tmp_path: Path) -> None:
    source, dependencies = function(tmp_path)
    (source / "requirements.txt").write_text("thing==2\n")
    with pytest.raises(FileNotFoundError, match="Packages of code/requirements"):
        package_function(source, tmp_path / "build", dependencies=dependencies)


@pytest.mark.parametrize("name", ["thing.py", "thing/mine.py"])
def test_module_that_shadows_a_requirement_is_rejected(name: str, tmp_path: Path) -> None:
    source, dependencies = function(tmp_path)
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_text("")
    with pytest.raises(ValueError, match="received the name of a package that the function"):
        package_function(source, tmp_path / "build", dependencies=dependencies)


def test_requirements_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("thing==1\n")
    commands: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> None:
        commands.append(command)
        (Path(command[command.index("--target") + 1]) / "thing.py").write_text("")

    monkeypatch.setattr(subprocess, "run", run)
    folders = {function_dependencies.install(requirements, tmp_path / "to") for _ in range(2)}
    (folder,) = folders
    assert folder.name == hashlib.sha256(b"thing==1\n").hexdigest()
    assert [*(tmp_path / "to").iterdir()] == [folder]
    assert [file.name for file in folder.iterdir()] == ["thing.py"]
    (command,) = commands
    assert {"--require-hashes", "--no-deps", "--no-compile"} <= set(command)


def test_failed_installation_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("thing==1\n")

    def run(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(subprocess.CalledProcessError):
        function_dependencies.install(requirements, tmp_path / "to")
    assert [*(tmp_path / "to").iterdir()] == []
