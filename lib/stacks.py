"""The stacks that can be deployed, by the name that the setting `stacks` uses."""

from __future__ import annotations

from lib.bastion_stack import BastionStack
from lib.state_stack import StateStack
from lib.tap_stack import TapStack
from lib.web_stack import WebStack

STACKS = {"tap": TapStack, "bastion": BastionStack, "web": WebStack, "state": StateStack}
