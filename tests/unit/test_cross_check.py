"""The table of demonstrated behaviour, and the parts of the cross-check that need no emulator."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import pytest

from tools.cross_check.observations import OBSERVATIONS
from tools.cross_check.server import ConfigTags
from tools.cross_check.sockets import listeners
from tools.project import ROOT

TABLE = re.compile(r"^\| behaviour \| moto: test .*?\n\n", re.MULTILINE | re.DOTALL)
LISTEN = """
import socket, sys
one = socket.create_server(("127.0.0.1", 0))
two = socket.create_server(("::1", 0), family=socket.AF_INET6)
connected = socket.create_connection(one.getsockname())
print(one.getsockname()[1], two.getsockname()[1], flush=True)
sys.stdin.read()
"""


def demonstrations() -> list[tuple[str, str, str]]:
    """Behaviour, test and observation of each row of the table in docs/emulator.md."""
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8") + "\n"
    match = TABLE.search(text)
    assert match is not None
    rows = [line.strip("|").split("|") for line in match[0].strip().splitlines()[2:]]
    return [tuple(cell.strip().strip("`") for cell in row) for row in rows]  # type: ignore[misc]


def test_every_observation_is_in_the_table_and_no_other() -> None:
    named = {observation for _, _, observation in demonstrations()} - {"–"}
    assert named == set(OBSERVATIONS)


def test_the_tests_of_the_table_exist() -> None:
    named = [test for _, test, _ in demonstrations() if test != "–"]
    assert len(named) > 5
    for name in named:
        file, _, function = name.partition("::")
        paths = [*(ROOT / "tests").rglob(file)]
        assert any(f"def {function}" in path.read_text(encoding="utf-8") for path in paths), name


def test_every_behaviour_is_demonstrated() -> None:
    assert [row for row in demonstrations() if row[1:] == ("–", "–")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_listeners_are_those_of_the_session() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        one, two = process.stdout.readline().split()
        with socket.create_server(("127.0.0.1", 0)):
            assert sorted(listeners(process.pid)) == [f"127.0.0.1:{one}", f"::1:{two}"]
    finally:
        process.communicate("")
    assert listeners(process.pid) == []


def test_tags_of_a_config_resource() -> None:
    tags = ConfigTags()
    tags.set("arn", [{"Key": "Name", "Value": "one"}])
    tags.perform("TagResource", {"ResourceArn": "arn", "Tags": [{"Key": "Owner", "Value": "two"}]})
    tags.perform("UntagResource", {"ResourceArn": "arn", "TagKeys": ["Name"]})
    expected = {"Tags": [{"Key": "Owner", "Value": "two"}]}
    assert tags.perform("ListTagsForResource", {"ResourceArn": "arn"}) == expected
    assert tags.perform("ListTagsForResource", {"ResourceArn": "other"}) == {"Tags": []}
    assert tags.perform("PutConfigRule", {}) is None
