"""The README of every package in `lib/`: its length, its modules and its usage example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lib.database import AuroraCluster, AuroraConfig, DatabaseSecret
from lib.messaging.queue import Queue
from lib.networking.network import Network, NetworkConfig
from lib.rules import findings
from lib.synthesis import PROJECT
from tests.support.template import Template
from tests.unit.conftest import UnitStack

PACKAGES = sorted(file.parent for file in (PROJECT / "lib").glob("*/__init__.py"))
SCREEN_LINES = 60
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
ZONES = ("us-east-1a", "us-east-1b")


def readme(package: Path) -> str:
    return (package / "README.md").read_text(encoding="utf-8")


def prepared(stack: UnitStack, text: str) -> dict[str, Any]:
    """The variables that an example uses and does not create."""
    names: dict[str, Any] = {"stack": stack, "context": stack.context}

    def requires(name: str) -> bool:
        used = re.search(rf"(?<![\w.]){name}\b(?!=)", text)
        return bool(used) and not re.search(rf"^{name} = ", text, re.MULTILINE)

    if requires("queue"):
        names["queue"] = Queue(
            stack, "Queue", context=stack.context, kind="q", visibility_timeout_seconds=60
        )
    if requires("public_network"):
        names["public_network"] = Network(
            stack,
            "Network",
            context=stack.context,
            config=NetworkConfig(
                cidr="10.0.0.0/16",
                availability_zones=ZONES,
                public_subnets=("10.0.0.0/24", "10.0.1.0/24"),
                private_subnets=("10.0.10.0/24", "10.0.11.0/24"),
            ),
        )
    elif requires("network") or requires("database"):
        names["network"] = Network(
            stack,
            "Network",
            context=stack.context,
            config=NetworkConfig(
                cidr="10.0.0.0/16",
                availability_zones=ZONES,
                private_subnets=("10.0.0.0/24", "10.0.1.0/24"),
                endpoints=("s3", "secretsmanager"),
            ),
        )
    if requires("database") and "network" in names:
        config = AuroraConfig(name="tap", username="tap_master")
        secret = DatabaseSecret(stack, "Secret", context=stack.context, config=config)
        names["secret"] = secret
        names["database"] = AuroraCluster(
            stack,
            "Database",
            context=stack.context,
            network=names["network"],
            secret=secret,
            config=config,
        )
    return names


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_readme_fits_on_a_screen_and_names_every_module(package: Path) -> None:
    text = readme(package)
    assert len(text.splitlines()) <= SCREEN_LINES
    modules = {file.name for file in package.glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_example_of_a_readme_runs(
    package: Path, stack: UnitStack, tap: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    (example,) = EXAMPLE.findall(readme(package))
    names = prepared(stack, example) | {"template": tap}
    exec(compile(example, str(package / "README.md"), "exec"), names)
    assert findings(stack.template(), severity="high") == []
