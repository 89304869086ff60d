"""Terraform's commands and the installation of its providers without a registry."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import terraform
from tools.errors import ToolError
from tools.providers import mirror as providers
from tools.terraform import Event, Processes, TerraformError, Workspace


@pytest.fixture(autouse=True)
def _clear_caches() -> Iterator[None]:
    """Clear the results that the tools cache per process."""
    cached = (terraform.binary, terraform.offline, terraform.environment, providers.mirrors)
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


def fake_terraform(folder: Path, output: str) -> Path:
    binary = folder / "terraform"
    binary.write_text(f"#!/bin/sh\necho '{output}'\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return binary


def test_missing_terraform_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "no-such-terraform")
    with pytest.raises(
        ToolError, match=r"received 'no-such-terraform', which is not on PATH; accepted: .* 1\.11"
    ):
        terraform.binary()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("Terraform v1.10.5", r"version 1\.10\.5; accepted: .*1\.11"),
        ("OpenTofu v1.9.0", r"OpenTofu: .*version 1\.9\.0"),
        ("something else", "whose version is 'something else'"),
    ],
)
def test_unsupported_terraform_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(fake_terraform(tmp_path, output)))
    with pytest.raises(ToolError, match=message):
        terraform.binary()


@pytest.mark.parametrize(
    ("output", "version", "registry"),
    [
        ("Terraform v1.11.4", (1, 11, 4), "registry.terraform.io"),
        ("OpenTofu v1.11.0", (1, 11, 0), "registry.opentofu.org"),
        ("Terraform v2.0.0", (2, 0, 0), "registry.terraform.io"),
    ],
)
def test_terraform_and_opentofu_are_distinguished_by_their_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    version: tuple[int, int, int],
    registry: str,
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(fake_terraform(tmp_path, output)))
    found = terraform.binary()
    assert (found.version, found.registry) == (version, registry)


def provider(mirror: Path, name: str) -> Path:
    folder = mirror / "hashicorp" / name / "9.9.9" / providers._platform()
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-{name}_v9.9.9").touch()
    return folder


def test_mirror_is_found_by_its_name_below_common_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "some" / "where" / "registry.terraform.io"
    provider(mirror, "aws")
    provider(tmp_path / "registry.terraform.io", "other")
    monkeypatch.setattr(providers, "_search_roots", lambda: [tmp_path])
    assert providers.mirrors() == (mirror,)


def test_without_a_registry_the_mirror_and_the_random_standin_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "registry.terraform.io"
    aws = provider(mirror, "aws")
    monkeypatch.setattr(providers, "mirrors", lambda: (mirror,))
    ours = tmp_path / "ours"
    configuration = providers.write_offline_configuration("registry.example", ours)
    assert configuration is not None
    assert f'path = "{ours / "mirror"}"' in configuration.read_text()
    assert "direct" not in configuration.read_text()
    linked = ours / "mirror" / "registry.example" / aws.relative_to(mirror)
    assert linked.resolve() == aws
    (standin,) = (ours / "mirror").rglob("terraform-provider-random_*")
    assert "random_standin.py" in standin.read_text()
    provider(mirror, "random")
    providers.write_offline_configuration("registry.example", ours)
    (real,) = (ours / "mirror").rglob("hashicorp/random/*/*/terraform-provider-random_*")
    assert real.name.endswith("9.9.9")


def test_no_configuration_is_written_without_an_aws_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "mirrors", lambda: ())
    assert providers.write_offline_configuration("registry.example", tmp_path) is None


def test_configuration_of_the_user_is_preserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.tfrc"
    own.write_text("provider_installation {\n  direct {}\n}\n")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert providers.user_configuration() == own
    own.write_text("disable_checkpoint = true\n")
    assert providers.user_configuration() is None


# Prints the file `events`; sleeps if there is a file `hang`. Terraform handles SIGINT also if its
# parent ignores it, as a shell does for a command in the background; `sleep` does not.
SCRIPT = f"""#!/bin/sh
if [ "$1" = version ]; then echo 'Terraform v1.11.4'; exit; fi
echo "$@" > arguments
cat events
[ -f hang ] && exec {sys.executable} -c '
import signal, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
open("ready", "w").close()
time.sleep(60)'
exit $(cat code)
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A folder whose Terraform prints the file `events` and exits with `code`."""
    program = tmp_path / "terraform"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    monkeypatch.setattr(terraform, "whole_environment", dict)
    return Workspace(tmp_path)


def play(workspace: Workspace, *events: object, code: int = 0) -> None:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    (workspace.folder / "events").write_text("".join(f"{line}\n" for line in lines))
    (workspace.folder / "code").write_text(str(code))


def test_stream_passes_each_event_and_writes_the_log(workspace: Workspace) -> None:
    play(workspace, {"type": "version"}, "no JSON", {"type": "outputs"})
    received: list[Event] = []
    log = workspace.folder / "log"
    workspace.stream("apply", "-refresh=false", on_event=received.append, log=log)
    assert [event["type"] for event in received] == ["version", "outputs"]
    assert log.read_text() == (workspace.folder / "events").read_text()
    arguments = (workspace.folder / "arguments").read_text().split()
    assert arguments == ["apply", "-json", "-input=false", "-auto-approve", "-refresh=false"]


def test_stream_of_a_plan_has_no_approval(workspace: Workspace) -> None:
    play(workspace)
    workspace.stream("plan")
    assert (workspace.folder / "arguments").read_text().split() == ["plan", "-json", "-input=false"]


def test_failure_reports_the_diagnostics_of_severity_error(workspace: Workspace) -> None:
    error = {"summary": "creating bucket", "detail": "403\nAccessDenied", "address": "aws_s3.one"}
    play(
        workspace,
        {"type": "diagnostic", "@level": "warn", "diagnostic": {"summary": "deprecated"}},
        {"type": "diagnostic", "@level": "error", "diagnostic": error},
        code=1,
    )
    with pytest.raises(TerraformError) as raised:
        workspace.stream("apply", log=workspace.folder / "log")
    text = str(raised.value)
    assert "exit code 1:\ncreating bucket (aws_s3.one)\n  403\n  AccessDenied\n" in text
    assert text.endswith(f"All events are in {workspace.folder / 'log'}.")
    assert "deprecated" not in text


def test_failure_without_diagnostics_reports_the_end_of_the_output(workspace: Workspace) -> None:
    play(workspace, "panic: runtime error", code=2)
    with pytest.raises(TerraformError, match="exit code 2:\npanic: runtime error"):
        workspace.stream("destroy")


def test_stop_interrupts_running_commands_and_starts_no_more(workspace: Workspace) -> None:
    play(workspace, {"type": "version"})
    (workspace.folder / "hang").touch()
    processes = Processes()
    running = Workspace(workspace.folder, processes=processes)

    def stop_when_ready(_event: Event) -> None:
        deadline = time.monotonic() + 30
        while not (workspace.folder / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        processes.stop()

    with pytest.raises(TerraformError, match="exit code -2"):
        running.stream("apply", on_event=stop_when_ready)
    with pytest.raises(TerraformError, match="not started"):
        running.init()


def test_commands_return_their_output(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "FOLDER", workspace.folder / "locks")
    play(workspace, json.dumps({"one": {"value": [1]}}))
    assert workspace.outputs() == {"one": [1]}
    workspace.init()
    workspace.validate()
    assert workspace.apply() == workspace.destroy() == workspace.state()


def test_plan_is_none_if_it_is_empty(workspace: Workspace) -> None:
    play(workspace, "no changes")
    assert workspace.plan() is None
    play(workspace, "one change", code=2)
    assert workspace.plan() == "one change\n"
    play(workspace, "invalid", code=1)
    with pytest.raises(TerraformError, match="ended with 1:\ninvalid"):
        workspace.plan()
    with pytest.raises(TerraformError, match="ended with 1:\ninvalid"):
        workspace.validate()


def test_program_that_does_not_run_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    with pytest.raises(ToolError, match="which does not run"):
        terraform.binary()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No registry is reachable, and the user has no CLI configuration."""
    program = fake_terraform(tmp_path, "Terraform v1.11.4")
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    monkeypatch.setattr(terraform, "FOLDER", tmp_path / "folder")
    monkeypatch.setattr(terraform, "user_configuration", lambda: None)
    monkeypatch.setattr(terraform, "registry_reachable", lambda _host: False)


def test_environment_configures_the_mirror_if_no_registry_is_reachable(
    offline: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "offline.tfrc"
    monkeypatch.setattr(terraform, "write_offline_configuration", lambda *_: configuration)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing.tfrc"))
    monkeypatch.setenv("AWS_PROFILE", "own")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    variables = terraform.whole_environment({"AWS_REGION": "eu-west-1"})
    assert variables["TF_CLI_CONFIG_FILE"] == str(configuration)
    assert variables["TF_PLUGIN_CACHE_DIR"] == str(tmp_path / "folder" / "plugin-cache")
    assert variables["AWS_REGION"] == "eu-west-1"
    assert not {"AWS_PROFILE", "PYTHONDONTWRITEBYTECODE"} & {*variables}


def test_no_registry_and_no_mirror_is_an_error(
    offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "write_offline_configuration", lambda *_: None)
    with pytest.raises(ToolError, match="AWS provider: received no response from registry"):
        terraform.environment()


def test_reachable_registry_needs_no_configuration(
    offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "registry_reachable", lambda _host: True)
    assert "TF_CLI_CONFIG_FILE" not in terraform.environment()


@pytest.mark.parametrize(("code", "reachable"), [(0, True), (1, False), (None, False)])
def test_registry_is_reachable_if_it_responds_in_time(
    monkeypatch: pytest.MonkeyPatch, code: int | None, reachable: bool
) -> None:
    def request(command: list[str], *, timeout: float, **_: object) -> object:
        assert command[-1] == f"https://registry-{code}/.well-known/terraform.json"
        if code is None:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", request)
    assert providers.registry_reachable(f"registry-{code}") is reachable


def test_mirrors_are_searched_in_the_folders_of_terraform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugins = tmp_path / ".terraform.d" / "plugins"
    plugins.mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    roots = providers._search_roots()
    assert roots[0] == plugins.parent
    assert all(root.is_dir() for root in roots)
