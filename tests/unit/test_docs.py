"""What the documents say is so."""

from __future__ import annotations

from lib.settings import Settings
from tools.settings_table import DOCUMENT, document


def test_the_page_of_settings_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == document(), "run `python -m tools.settings_table`"


def test_the_page_of_settings_lists_every_one() -> None:
    text = document()
    assert "| `STACKS` | `tap` |" in text
    assert "| `TAP_WEB_REGION` | as `AWS_REGION` |" in text
    fields = [
        len(info.annotation.model_fields) if hasattr(info.annotation, "model_fields") else 1
        for info in Settings.model_fields.values()
    ]
    assert text.count("| `TAP_") + text.count("| `TERRAFORM_") + 3 == sum(fields)
