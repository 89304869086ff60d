"""The stacks that can be deployed, by the name that the setting `stacks` uses."""

from __future__ import annotations

from lib.state_stack import StateStack
from lib.tap_stack import TapStack

STACKS = {"tap": TapStack, "state": StateStack}
