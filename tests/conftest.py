"""Fixtures of all tests: fake credentials, no network, and one synthesis of each stack."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from lib.bindings import enable_fast_bindings

# Before the first import of cdktf, by the modules below: it starts Node, which prints a banner.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
enable_fast_bindings()

from tests.support.synthesis import Synthesizer, shared_folder  # noqa: E402
from tests.support.template import Template  # noqa: E402

# Variables of the calling shell that the tests must not see.
REMOVED_PREFIXES = ("AWS_", "TAP_", "TERRAFORM_STATE_", "TF_", "CDKTF_")
REMOVED_NAMES = ("ENVIRONMENT_SUFFIX", "STACKS", "JSII_NODE")
FAKE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CHECKPOINT_DISABLE": "1",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
}


# Without a deadline for each example, which would fail on a busy machine.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Collect garbage less often: it takes a sixth of the time with so many modules loaded."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """Remove the calling shell's settings and credentials; set fake credentials."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(REMOVED_PREFIXES) or name in REMOVED_NAMES:
                patch.delenv(name)
        for name, value in FAKE.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to other hosts; integration tests may use Terraform's registry."""
    if request.node.get_closest_marker("integration"):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = str(address[0]) if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and not host.startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test tried to connect to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """`synth(stack, **variables)`: a stack's template, synthesized once in a test session."""
    return Synthesizer(shared_folder(tmp_path_factory.getbasetemp(), "synthesis"))


@pytest.fixture(scope="session")
def tap(synth: Synthesizer) -> Template:
    """TapStack with the default settings."""
    return synth("tap")


@pytest.fixture(scope="session")
def state(synth: Synthesizer) -> Template:
    """StateStack with the default settings."""
    return synth("state")


@pytest.fixture
def empty_directory(tmp_path: Path) -> Path:
    """An empty folder of configuration files."""
    directory = tmp_path / "config"
    directory.mkdir()
    return directory
