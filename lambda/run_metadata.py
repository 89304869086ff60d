"""Metadata of a run: commit, branch, start time and labels.

| field        | JUnit XML                      | JSON Lines         | S3 object metadata      |
|--------------|--------------------------------|--------------------|-------------------------|
| `commit`     | property `commit`              | field `commit`     | `x-amz-meta-commit`     |
| `branch`     | property `branch`              | field `branch`     | `x-amz-meta-branch`     |
| `started_at` | `timestamp` of a suite, or the | field `started_at` | `x-amz-meta-started-at` |
|              | property `started_at`          |                    |                         |
| labels       | properties `label.NAME`        | object `labels`    | `x-amz-meta-label-NAME` |

Aliases of `commit` are `commit_id`, `commit_sha`, `git_commit` and `git.commit`; aliases of
`branch` are `git_branch` and `git.branch`. Properties are read from suites and from the root
element, fields of JSON Lines from any line; the first value of a field is used. Object metadata
takes precedence over the content of the report. A time is in ISO 8601, in UTC where it has no
offset; the start time defaults to the time at which the object was stored. Invalid values are
ignored: metadata never causes a report to be rejected.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_MAX_VALUE_CHARS = 200
_MAX_LABELS = 50
_LABEL = re.compile(r"label[.:-](.+)", re.DOTALL | re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SEPARATORS = str.maketrans("", "", "._- ")
_ONE_DAY = timedelta(days=1)
# Earlier times result from an unset clock (1970) or a default value (0001).
_EARLIEST_YEAR = 2000

_FIELDS = {
    "commit": "commit",
    "commitid": "commit",
    "commitsha": "commit",
    "gitcommit": "commit",
    "branch": "branch",
    "gitbranch": "branch",
    "startedat": "started_at",
}


class RunMetadata:
    """Collects the metadata of a run; the first valid value of each field is kept."""

    def __init__(self) -> None:
        self.commit: str | None = None
        self.branch: str | None = None
        self.started_at: datetime | None = None
        self.labels: dict[str, str] = {}

    @classmethod
    def from_object_metadata(cls, values: Mapping[str, str]) -> "RunMetadata":
        """Return the metadata in the user-defined metadata of an S3 object."""
        metadata = cls()
        for name, value in values.items():
            metadata.add(name, value)
        return metadata

    def add(self, name: str, value: object) -> None:
        """Add a value if its name is a field, an alias or a label; `labels` may be a mapping."""
        if isinstance(value, dict):
            if name == "labels":
                for label, text in value.items():
                    self._add_label(label, text)
        elif isinstance(value, str) and (field := metadata_field(name)):
            if field == "started_at":
                self.add_start_time(value)
            elif getattr(self, field) is None and (text := _clean_text(value)):
                setattr(self, field, text)
        elif match := _LABEL.fullmatch(name):
            self._add_label(match[1], value)

    def add_start_time(self, text: str) -> None:
        """Set the start time from ISO 8601 text, unless it is set or the text is invalid."""
        if self.started_at is None:
            self.started_at = _parse_time(text)

    def _add_label(self, name: str, value: object) -> None:
        # Numbers and booleans are accepted as labels; lists and objects are not.
        if not isinstance(value, str | int | float):
            return
        label, text = _clean_text(name), _clean_text(str(value))
        if label and text and len(self.labels) < _MAX_LABELS:
            self.labels.setdefault(label, text)

    def with_defaults(self, defaults: "RunMetadata") -> "RunMetadata":
        """Return a copy in which missing fields and labels have the values of `defaults`."""
        merged = RunMetadata()
        merged.commit = self.commit or defaults.commit
        merged.branch = self.branch or defaults.branch
        merged.started_at = self.started_at or defaults.started_at
        labels = {**defaults.labels, **self.labels}
        merged.labels = dict(list(labels.items())[:_MAX_LABELS])
        return merged

    def document(self) -> dict[str, Any]:
        """Return the metadata as a dictionary that can be serialized to JSON."""
        return {
            "commit": self.commit,
            "branch": self.branch,
            "started_at": self.started_at and self.started_at.isoformat(),
            "labels": self.labels,
        }


def metadata_field(name: str) -> str | None:
    """Return the field that a name or an alias denotes; None for other names and for labels."""
    return _FIELDS.get(name.strip().lower().translate(_SEPARATORS))


def _clean_text(value: str) -> str:
    text = _UNSTORABLE.sub("\ufffd", value.strip())
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 1] + "…"


def _parse_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A day of tolerance, because a local time without an offset is read as UTC.
    is_plausible = time.year >= _EARLIEST_YEAR and time < datetime.now(UTC) + _ONE_DAY
    return time if is_plausible else None
