"""The early start of Node.js, its messages, and the code cache of the preload."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lib.bindings import common, kernel, node_process
from tests.support.bindings_app import python

START = "from lib.bindings import enable_fast_bindings, start_kernel; enable_fast_bindings()"
RESOURCES = """
import jsii
from cdktf import App, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.kms_key import KmsKey
stack = TerraformStack(App(), "stack")
key = KmsKey(stack, "key")
process = jsii.kernel.provider._process
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the tests of this file share."""
    return tmp_path_factory.mktemp("cache")


def run(code: str, cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with this folder as the code cache."""
    return python(code, **{common.CACHE: str(cache)}, **variables)


def explanations(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("bindings: ")]


def test_import_of_cdktf_takes_over_the_started_process(cache: Path) -> None:
    code = f"{START}; start_kernel()\nfrom lib.bindings import kernel\nstarted = kernel._started\n"
    done = run(f"{code}{RESOURCES}print(process._process is started)", cache)
    assert (done.stdout.split(), done.stderr) == (["True"], "")


def test_process_that_nothing_uses_ends_with_python(cache: Path) -> None:
    code = "start_kernel(); from lib.bindings import kernel; print(kernel._started.pid)"
    pid = run(f"{START}; {code}", cache).stdout.strip()
    assert pid
    assert not Path(f"/proc/{pid}").exists()


def test_repeated_attribute_requests_are_sent_once(cache: Path) -> None:
    code = f"""{START}
{RESOURCES}
sent = []
published = type(process).__mro__[2]
exchange = published.send
published.send = lambda self, *request: (sent.append(1), exchange(self, *request))[1]
first = key.arn
assert key.arn == first and key.arn == first
print(len(sent))
key.description = "changed"
assert key.arn != first
print(len(sent))
"""
    assert run(code, cache).stdout.split() == ["1", "3"]


def test_attributes_of_other_objects_are_read_each_time(cache: Path) -> None:
    code = f"""{START}
{RESOURCES}
output = TerraformOutput(stack, "output", value=key.arn)
print(output.value == key.arn)
output.value = key.key_id
print(output.value == key.key_id)
"""
    assert run(code, cache).stdout.split() == ["True", "True"]


def test_errors_of_the_kernel_are_jsii_errors(cache: Path) -> None:
    code = f"""{START}
{RESOURCES}
try:
    KmsKey(stack, "key")
except RuntimeError as error:
    print(error)
    print(type(error.__cause__).__name__)
"""
    message, cause = run(code, cache).stdout.splitlines()
    assert "There is already a Construct with name 'key'" in message
    assert cause == "JavaScriptError"


def test_output_of_node_reaches_the_streams_of_python(cache: Path, tmp_path: Path) -> None:
    spy = tmp_path / "spy.cjs"
    spy.write_text("console.log('to stdout'); console.error('to stderr');")
    done = run(f"{START}; import cdktf", cache, NODE_OPTIONS=f"--require {spy}")
    assert (done.stdout, done.stderr) == ("to stdout\n", "to stderr\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("kernel.unpacked_program = lambda: 1 / 0", "division by zero"),
        ("kernel.JSII_ATTRIBUTES = ('no_such_method',)", "this jsii has no no_such_method"),
        ("kernel.unpacked_program = lambda: '/dev/null'", ": "),
    ],
)
def test_failure_of_the_early_start_is_reported_and_jsii_starts_node(
    change: str, reason: str, cache: Path
) -> None:
    code = f"{START}\nfrom lib.bindings import kernel\n{change}\n{RESOURCES}"
    done = run(f"{code}print(getattr(process, '_node', None))", cache)
    assert done.stdout.split() == ["None"]
    (line,) = explanations(done)
    assert line.startswith("bindings: starting Node.js as published")
    assert reason in line


def test_program_of_jsii_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(common.CACHE, str(tmp_path))
    program = node_process.unpacked_program()
    assert (program.name, program.parent.name) == ("program.js", "lib")
    assert (program.parent / "runtime-index-worker.js").is_file()
    changed = program.stat().st_mtime_ns
    assert node_process.unpacked_program() == program
    assert program.stat().st_mtime_ns == changed
    assert [one.name for one in (tmp_path / "jsii").iterdir()] == [program.parent.parent.name]


def test_first_requests_are_those_of_the_published_import() -> None:
    request = kernel._load_request(common.PROVIDERS[0].package)
    assert request is not None
    assert request["name"] == common.PROVIDERS[0].npm
    assert Path(request["tarball"]).is_file()


# The code cache of the preload.


def packs(cache: Path) -> dict[str, tuple[int, int]]:
    """The files of the code cache with their modification times and sizes."""
    return {
        file.name: (file.stat().st_mtime_ns, file.stat().st_size)
        for file in (cache / "node").iterdir()
    }


def test_second_run_uses_the_code_cache(tmp_path: Path) -> None:
    run(f"{START}\n{RESOURCES}", tmp_path)
    before = packs(tmp_path)
    assert any(name.startswith("cdktf.") for name in before)
    assert any("kms-key_index.js" in name for name in before)
    run(f"{START}\n{RESOURCES}", tmp_path)
    assert packs(tmp_path) == before


def test_damaged_entries_of_the_code_cache_are_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    run(f"{START}\n{RESOURCES}", tmp_path)
    for number, file in enumerate(sorted(folder.iterdir())):
        content = file.read_bytes()
        file.write_bytes((b"", b"{", content[: len(content) // 2])[number % 3])
    damaged = packs(tmp_path)
    done = run(f"{START}\n{RESOURCES}", tmp_path)
    assert done.stderr == ""
    assert all(size > damaged[name][1] for name, (_, size) in packs(tmp_path).items())


def test_code_of_another_source_is_rejected(tmp_path: Path) -> None:
    run(f"{START}\n{RESOURCES}", tmp_path)
    (file,) = (tmp_path / "node").glob("*kms-key_index.js*")
    (other,) = (tmp_path / "node").glob("*lazy-index.js*")
    header, _, content = file.read_bytes().partition(b"\n")
    other_header, _, other_content = other.read_bytes().partition(b"\n")
    ((name, (length, _)),) = json.loads(header)["modules"].items()
    ((other_length, _),) = json.loads(other_header)["modules"].values()
    code = other_content[other_length:]
    changed = json.dumps({"uses": 99, "modules": {name: [length, len(code)]}}).encode()
    file.write_bytes(changed + b"\n" + content[:length] + code)
    before = file.stat().st_size
    assert run(f"{START}\n{RESOURCES}", tmp_path).stderr == ""
    assert file.stat().st_size != before


def test_code_cache_that_cannot_be_written_is_reported(cache: Path, tmp_path: Path) -> None:
    run(f"{START}\n{RESOURCES}", cache)
    for part in ("jsii", "python"):
        (tmp_path / part).symlink_to(cache / part)
    (tmp_path / "node").touch()
    (line,) = explanations(run(f"{START}\n{RESOURCES}", tmp_path))
    assert line.startswith("bindings: compiling JavaScript in each run")
