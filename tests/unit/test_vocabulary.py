"""The vocabulary check: a planted word fails it, standard text passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.vocabulary import load_terms, occurrences
from tools.vocabulary.cli import command, repository_files

ROOT = Path(__file__).resolve().parents[2]
TERMS = load_terms()


def words(text: str, path: str = "lib/module.py") -> list[str]:
    return [one.word for one in occurrences(path, text, TERMS)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Every stack keeps this promise.", "promise"),
        ("def judge_plan() -> None: ...", "judge"),
        ("class RunFacts: ...", "run facts"),
        ("no_waiver = 1", "waiver"),
        ("a way\nout of the network", "way out"),
        ("# a way\n# out of the network", "way # out"),
        ("WAYS_OUT = 1", "ways out"),
        ("the balancer in front", "balancer"),
        ("def _feed(self) -> None: ...", "_feed"),
        ("key.allow(look=True)", "look="),
    ],
)
def test_planted_word_is_reported(text: str, word: str) -> None:
    assert words(text) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "The load balancer routes to the Auto Scaling group; LoadBalancer, load_balancer.",
        "worker_processes auto;",
        "The compromise is documented in the newest release.",
        "a confused deputy",
        'Queue(self, "DeadLetters")',
        "the only way in which a rule is suppressed",
    ],
)
def test_standard_text_passes(text: str) -> None:
    assert words(text) == []


def test_words_are_reported_with_line_and_replacement() -> None:
    found = list(occurrences("docs/page.md", "# Title\n\nOne waiver.\n", TERMS))
    assert [str(one) for one in found] == [
        "docs/page.md:3: received 'waiver'; accepted: suppress, suppression."
    ]


def test_names_of_files_are_checked() -> None:
    found = list(occurrences("tools/postgres/keeper.py", "", TERMS))
    assert [(one.line, one.word) for one in found] == [(0, "keeper")]


def test_terms_apply_to_their_paths_only() -> None:
    assert words("the gap between two boxes", "tools/diagrams/layout.py") == []
    assert words("closes the gap", "tools/emulator/server.py") == ["gap"]


def test_every_exception_has_a_reason_and_matches_something() -> None:
    assert TERMS.exceptions
    texts = {path: path.read_text(encoding="utf-8") for path in tracked_text()}
    for exemption in TERMS.exceptions:
        assert exemption.reason
        assert any(exemption.expression.search(text) for text in texts.values()), (
            f"{exemption.expression.pattern!r} matches nothing: remove the exception"
        )


def test_command_fails_on_a_planted_word_and_passes_without(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("A rule of every stack.\n", encoding="utf-8")
    assert CliRunner().invoke(command, [str(page)]).exit_code == 0
    page.write_text("A promise of every stack.\n", encoding="utf-8")
    done = CliRunner().invoke(command, [str(page)])
    assert done.exit_code == 1
    assert f"{page}:1: received 'promise'; accepted: rule." in done.output


def test_command_rejects_a_missing_file(tmp_path: Path) -> None:
    assert CliRunner().invoke(command, [str(tmp_path / "missing.md")]).exit_code == 2


def tracked_text() -> list[Path]:
    return [
        path
        for path in repository_files(ROOT)
        if path.suffix in {".py", ".md"} and path != Path(__file__).resolve()
    ]
