"""What a run says of itself, beside its cases: commit, branch, beginning, labels.

| fact         | JUnit XML                      | JSON Lines         | S3 object metadata      |
|--------------|--------------------------------|--------------------|-------------------------|
| `commit`     | property `commit`              | field `commit`     | `x-amz-meta-commit`     |
| `branch`     | property `branch`              | field `branch`     | `x-amz-meta-branch`     |
| `started_at` | `timestamp` of a suite, or the | field `started_at` | `x-amz-meta-started-at` |
|              | property `started_at`          |                    |                         |
| labels       | properties `label.NAME`        | object `labels`    | `x-amz-meta-label-NAME` |

`commit` may also be called `commit_id`, `commit_sha`, `git_commit` or `git.commit`, `branch` also
`git_branch` or `git.branch`. Properties count where they belong to a suite or to the whole report,
fields of JSON Lines in any line; of several values the first counts. The object's metadata beats
the content, since whoever uploads knows best. A time is ISO 8601, taken as UTC where it names no
zone; without any, a run began when its object was stored. What cannot be used is left out: no
report is refused for what it says beside its cases.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_MAX_VALUE_CHARS = 200
_MAX_LABELS = 50
_LABEL = re.compile(r"label[.:-](.+)", re.DOTALL | re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DAY = timedelta(days=1)

_NAMES = {
    "commit": "commit",
    "commitid": "commit",
    "commitsha": "commit",
    "gitcommit": "commit",
    "branch": "branch",
    "gitbranch": "branch",
    "startedat": "started_at",
}


class RunFacts:
    """Gathers the facts; of several values for one, the first counts."""

    def __init__(self) -> None:
        self.commit: str | None = None
        self.branch: str | None = None
        self.started_at: datetime | None = None
        self.labels: dict[str, str] = {}

    @classmethod
    def of_object(cls, metadata: Mapping[str, str]) -> "RunFacts":
        """The facts in the metadata of an object."""
        facts = cls()
        for name, value in metadata.items():
            facts.add(name, value)
        return facts

    def add(self, name: str, value: object) -> None:
        """Take a named value, if it is a fact; `labels` may be a mapping."""
        if isinstance(value, dict):
            if name == "labels":
                for label, text in value.items():
                    self._label(label, text)
        elif isinstance(value, str) and (known := fact(name)):
            if known == "started_at":
                self.began(value)
            elif getattr(self, known) is None and (text := _text(value)):
                setattr(self, known, text)
        elif match := _LABEL.fullmatch(name):
            self._label(match[1], value)

    def began(self, text: str) -> None:
        """Take a time at which something of the run began."""
        if self.started_at is None:
            self.started_at = _time(text)

    def _label(self, name: str, value: object) -> None:
        # A list or an object is no label; true and 3 are.
        if not isinstance(value, str | int | float):
            return
        label, text = _text(name), _text(str(value))
        if label and text and len(self.labels) < _MAX_LABELS:
            self.labels.setdefault(label, text)

    def or_else(self, other: "RunFacts") -> "RunFacts":
        """These facts, and those of the other where these have none."""
        facts = RunFacts()
        facts.commit = self.commit or other.commit
        facts.branch = self.branch or other.branch
        facts.started_at = self.started_at or other.started_at
        facts.labels = dict(list(({**other.labels, **self.labels}).items())[:_MAX_LABELS])
        return facts

    def document(self) -> dict[str, Any]:
        """The facts, ready for JSON."""
        return {
            "commit": self.commit,
            "branch": self.branch,
            "started_at": self.started_at and self.started_at.isoformat(),
            "labels": self.labels,
        }


def fact(name: str) -> str | None:
    """Which fact a name stands for, labels aside."""
    plain = name.strip().lower().translate(_SEPARATORS)
    return _NAMES.get(plain)


_SEPARATORS = str.maketrans("", "", "._- ")


def _text(value: str) -> str:
    text = _UNSTORABLE.sub("\ufffd", value.strip())
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 1] + "…"


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Before the first of these formats, or in days to come, it is a clock that is wrong.
    return time if time.year >= 2000 and time < datetime.now(UTC) + _DAY else None
