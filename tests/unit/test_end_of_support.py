"""Ends of support: the data, and the effects before and after each date."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lib import end_of_support
from lib.end_of_support import (
    AURORA,
    ENDS_OF_SUPPORT,
    POSTGRES,
    ReferenceDateError,
    find,
    find_engine,
    of_resource,
    today,
)
from lib.rules import evaluate, support_warnings
from lib.settings import Settings, SettingsError, load_settings
from lib.synthesis import SynthesisError, synthesize
from tests.conftest import FAKE
from tests.support.synthesis import DEFAULTS, NO_CONFIG, PLACEHOLDERS
from tests.support.template import Template

RULE = "require_supported_versions"
SetDate = Callable[[date], None]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> SetDate:
    """`on(date)` sets the reference date."""

    def set_date(day: date) -> None:
        monkeypatch.setenv("REFERENCE_DATE", day.isoformat())

    return set_date


def settings_of(stack: str = "tap", **variables: str) -> Settings:
    given = DEFAULTS | PLACEHOLDERS[stack] | variables | {"STACKS": stack}
    return load_settings(given, NO_CONFIG)


def test_rows_are_unique_and_have_sources() -> None:
    assert len({(one.product, one.version) for one in ENDS_OF_SUPPORT}) == len(ENDS_OF_SUPPORT)
    for one in ENDS_OF_SUPPORT:
        assert one.source.startswith("https://")
        assert one.effect
        assert one.remedy
        assert not one.remedy.endswith(".")


def test_today_is_the_current_date_unless_the_variable_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert today() == date.fromisoformat(FAKE["REFERENCE_DATE"])
    monkeypatch.delenv("REFERENCE_DATE")
    now = datetime.now(UTC).date()
    assert now <= today() <= now + timedelta(days=1)


def test_make_test_sets_the_reference_date_of_the_tests() -> None:
    (given,) = re.findall(
        r"^test: export REFERENCE_DATE := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert given == FAKE["REFERENCE_DATE"] == os.environ["REFERENCE_DATE"]


def test_invalid_reference_date_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERENCE_DATE", "31 December")
    with pytest.raises(ReferenceDateError, match="REFERENCE_DATE: received '31 December'; accept"):
        today()
    with pytest.raises(SettingsError, match="REFERENCE_DATE: received '31 December'; accepted"):
        settings_of()


@pytest.mark.parametrize(
    ("engine", "version", "extended", "end"),
    [
        (AURORA, "16.9", False, date(2026, 12, 31)),
        # Extended Support is for major versions only.
        (AURORA, "16.9", True, date(2026, 12, 31)),
        (AURORA, "16.8", False, date(2029, 2, 28)),
        (AURORA, "16", False, date(2029, 2, 28)),
        (AURORA, "14", False, date(2027, 2, 28)),
        (AURORA, "14", True, None),
        (POSTGRES, "14.19", False, date(2027, 2, 28)),
        (POSTGRES, "14.19", True, None),
        (POSTGRES, "18", False, None),
        ("mysql", "8.0", False, None),
    ],
)
def test_first_end_of_minor_and_major_version(
    engine: str, version: str, extended: bool, end: date | None
) -> None:
    row = find_engine(engine, version, extended=extended)
    assert (row.end if row else None) == end


@pytest.mark.parametrize(
    ("days", "warning", "ended"),
    [(61, False, False), (60, True, False), (0, True, False), (-1, False, True)],
)
def test_warning_before_the_end_and_error_after_it(days: int, warning: bool, ended: bool) -> None:
    row = find(AURORA, "16.9")
    assert row
    day = row.end - timedelta(days=days)
    assert (row.needs_warning(day), row.has_ended(day)) == (warning, ended)


def test_accepted_end_is_a_warning() -> None:
    row = find("amazon-linux", "2")
    assert row
    assert row.needs_warning(date(2030, 1, 1))
    assert not row.has_ended(date(2030, 1, 1))


def test_synthesis_warns_before_the_end_and_fails_after_it(on: SetDate, tmp_path: Path) -> None:
    on(date(2026, 10, 31))
    settings = settings_of()
    (template,) = synthesize(settings, tmp_path / "out")
    assert support_warnings(template) == []
    on(date(2026, 11, 25))
    (warning,) = support_warnings(template)
    assert re.fullmatch(
        r"tap/Database \(aws_rds_cluster\.\w+\): the support of Aurora PostgreSQL 16\.9 ends on"
        r" 2026-12-31, in 36 days: .* Set TAP_DATABASE_ENGINE_VERSION\.",
        warning,
    )
    on(date(2027, 1, 1))
    # Constructs may be used without these settings.
    with pytest.raises(SynthesisError, match=r"16\.9 ended on 2026-12-31.*require_supported"):
        synthesize(settings, tmp_path / "late")
    assert not (tmp_path / "late").exists()


def test_settings_with_an_ended_version_are_one_message(on: SetDate) -> None:
    on(date(2027, 1, 1))
    with pytest.raises(SettingsError) as caught:
        settings_of()
    assert str(caught.value) == (
        "TAP_DATABASE_ENGINE_VERSION: received '16.9'; accepted: a version in support, such as 14,"
        " 15, 16, 17, 18, 16.8, 16.10, 16.11, 16.13, 16.14 (for MAJOR, AWS selects and upgrades the"
        " minor version); the support of Aurora PostgreSQL 16.9 ended on 2026-12-31. Set"
        " TAP_DATABASE_ENGINE_VERSION."
    )
    assert settings_of(TAP_DATABASE_ENGINE_VERSION="16").database.engine_version == "16"
    # The web application has another database.
    assert settings_of("web").stacks == ("web",)


def test_extended_support_accepts_an_ended_major_version(on: SetDate) -> None:
    on(date(2027, 3, 1))
    given = {"TAP_WEB_DATABASE_ENGINE_VERSION": "14"}
    with pytest.raises(SettingsError, match=r"or TAP_WEB_DATABASE_EXTENDED_SUPPORT=true\.$"):
        settings_of("web", **given)
    assert settings_of("web", **given, TAP_WEB_DATABASE_EXTENDED_SUPPORT="true")


def test_ended_runtime_of_a_function_violates_the_rule(on: SetDate, tap: Template) -> None:
    on(date(2027, 6, 30))
    assert not [one for one in evaluate(RULE, tap) if "aws_lambda_function" in one]
    on(date(2027, 7, 1))
    found = [one for one in evaluate(RULE, tap) if "aws_lambda_function" in one]
    assert len(found) == len(tap.of_type("aws_lambda_function"))
    for one in found:
        assert "runtime: received 'python3.11'; accepted: a version in support" in one


@pytest.mark.parametrize(
    ("type_", "arguments", "expected"),
    [
        ("aws_db_instance", {"engine": "postgres", "engine_version": "14"}, None),
        ("aws_sns_topic", {"engine": "postgres", "engine_version": "14"}, None),
        ("aws_ssm_parameter", {"name": "/aws/service/ami-amazon-linux-latest/al2023-x"}, None),
        ("aws_ssm_parameter", {"name": "/aws/service/ami-amazon-linux-latest/amzn2-x"}, "2"),
    ],
)
def test_resources_without_a_known_end(
    type_: str, arguments: dict[str, str], expected: str | None
) -> None:
    _, row = of_resource(type_, arguments)
    assert (row.version if row else None) == expected


def test_module_is_the_only_source_of_the_dates() -> None:
    """No other module of the product contains the date of a row."""
    module = Path(end_of_support.__file__)
    for file in [*(ROOT / "lib").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]:
        if file != module:
            assert not re.search(r"date\(20[0-9]{2}, *[0-9]", file.read_text()), file
