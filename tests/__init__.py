"""The tests. `lib` is imported first, since it makes the provider bindings lazy."""

import lib  # noqa: F401
