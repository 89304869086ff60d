"""Faults to plant, each with the rule that must see it, registered by being imported."""

from tests.support.faults import platform, policies, systems
from tests.support.plants import FAULTS, Plant

__all__ = ["FAULTS", "Plant", "platform", "policies", "systems"]
