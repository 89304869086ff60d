"""Fixtures of the unit tests: settings, an empty stack for single constructs, PostgreSQL."""

from __future__ import annotations

import functools
import json
import marshal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from cdktf import App, TerraformStack

from lib import terraform
from lib.context import Context
from lib.settings import Settings, load_settings
from lib.stacks import STACKS
from lib.system import common_tags, log_retention
from tests.support.synthesis import DEFAULTS
from tests.support.template import Template
from tools.postgres import PostgresServer


@pytest.fixture(scope="session", autouse=True)
def _service_models_are_parsed_once() -> Iterator[None]:
    """Cache the service models of botocore, which moto makes each client read and parse again.

    Each call returns another copy, because clients of S3 change their model.
    """
    parse = JSONFileLoader().load_file

    @functools.cache
    def dumped(path: str) -> bytes:
        return marshal.dumps(json.loads(json.dumps(parse(path))))

    def load_file(self: JSONFileLoader, path: str) -> Any:
        return marshal.loads(dumped(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The defaults."""
    return load_settings(DEFAULTS, Path("no-such-directory"))


class UnitStack(TerraformStack):
    """An empty stack to build constructs in; `template()` synthesizes it."""

    def __init__(self, settings: Settings, outdir: Path) -> None:
        self._app, self._outdir = App(outdir=str(outdir)), outdir
        super().__init__(self._app, "unit")
        self.tags = common_tags(settings, STACKS["tap"])
        terraform.configure_aws(self, region=settings.aws_region, tags=self.tags)
        self.settings = settings

    @functools.cached_property
    def context(self) -> Context:
        """The context of the constructs, created when it is first used."""
        return Context.create(
            self,
            suffix=self.settings.environment_suffix,
            region=self.settings.aws_region,
            system="tap",
            prefix="",
            tags=self.tags,
            access_logs_encryption=self.settings.storage.access_logs_encryption,
            log_retention=log_retention(self.settings),
        )

    def template(self) -> Template:
        self._app.synth()
        file = self._outdir / "stacks" / "unit" / "cdk.tf.json"
        return Template(json.loads(file.read_text()))


@pytest.fixture
def stack(settings: Settings, tmp_path: Path) -> UnitStack:
    return UnitStack(settings, tmp_path / "cdktf.out")


@pytest.fixture
def stack_with(tmp_path: Path) -> Callable[..., UnitStack]:
    """`stack_with(**variables)`: an empty stack under other settings."""

    def make(**variables: str) -> UnitStack:
        given = load_settings(DEFAULTS | variables, Path("no-such-directory"))
        return UnitStack(given, tmp_path / "cdktf.out")

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; tests that change its password restore it."""
    with PostgresServer() as server:
        yield server
