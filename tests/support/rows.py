"""A store of rows that keeps them in memory, for tests of what comes before and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any


class RowsInMemory:
    """Stands in for `lambda/store.py`; `error` is raised after the cases are read."""

    def __init__(self, *_: object) -> None:
        self.runs: dict[Any, list[Any]] = {}
        self.about: dict[Any, dict[str, Any]] = {}
        self.error: Exception | None = None

    def save(
        self,
        key: Any,
        batches: Iterable[list[Any]],
        *,
        stored_at: datetime,
        format_: str,
        facts: Callable[[], Any],
    ) -> bool:
        if key in self.runs:
            return False
        cases = [case for batch in batches for case in batch]
        if self.error:
            raise self.error
        self.runs[key] = cases
        self.about[key] = {"stored_at": stored_at, "format": format_, **facts().document()}
        return True
