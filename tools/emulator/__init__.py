"""An AWS on this machine, for Terraform's real AWS provider: moto's server with a thin layer.

``with Emulator() as emulator:`` starts it in a process of its own on the loopback;
``emulator.environment()`` is what points the AWS tools at it, ``inventory(emulator.endpoint)`` says
what exists in it. Keys that it issues itself (AssumeRole) are held to their IAM policies, any
others may do everything; see ``gaps/access.py``.
"""

from tools.emulator.inventory import inventory
from tools.emulator.process import ACCOUNT_ID, Emulator, EmulatorError

__all__ = ["ACCOUNT_ID", "Emulator", "EmulatorError", "inventory"]
