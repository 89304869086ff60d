"""An implementation of `store.Store` without a database, for tests of its callers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any


class InMemoryStore:
    """Keeps runs in a dictionary; raises `error`, if it is set, after the cases are read."""

    def __init__(self, *_: object) -> None:
        self.runs: dict[Any, list[Any]] = {}
        self.columns: dict[Any, dict[str, Any]] = {}
        self.error: Exception | None = None

    def save(
        self,
        key: Any,
        batches: Iterable[list[Any]],
        *,
        stored_at: datetime,
        format_: str,
        get_metadata: Callable[[], Any],
    ) -> bool:
        if key in self.runs:
            return False
        cases = [case for batch in batches for case in batch]
        if self.error:
            raise self.error
        self.runs[key] = cases
        metadata = get_metadata().document()
        self.columns[key] = {"stored_at": stored_at, "format": format_, **metadata}
        return True
