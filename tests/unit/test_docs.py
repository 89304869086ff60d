"""What the documents say is so."""

from tools.settings_table import README, with_table


def test_readme_lists_every_setting() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == with_table(text), "run `python -m tools.settings_table`"
