"""Databases of the emulator, where moto does otherwise than AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tools.emulator import Emulator


@pytest.fixture(scope="module")
def rds(fresh_emulator: Emulator) -> Any:
    return fresh_emulator.client("rds")


def make(rds: Any, name: str, version: str) -> str:
    """An instance of its own; the version it has."""
    made = rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        EngineVersion=version,
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="not a secret",
    )
    return str(made["DBInstance"]["EngineVersion"])


def test_a_major_version_becomes_a_minor_one_of_it(rds: Any) -> None:
    assert make(rds, "newest", "15") == "15.5"
    changed = rds.modify_db_instance(
        DBInstanceIdentifier="newest",
        EngineVersion="16",
        AllowMajorVersionUpgrade=True,
        ApplyImmediately=True,
    )
    assert changed["DBInstance"]["EngineVersion"] == "16.5"


def test_a_minor_version_stays(rds: Any) -> None:
    assert make(rds, "pinned", "15.7") == "15.7"
