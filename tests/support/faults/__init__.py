"""Planted violations, each with the rule that must detect it; importing a module registers them."""

from tests.support.faults import constructs, limits, platform, policies, systems
from tests.support.plants import FAULTS, Plant

__all__ = ["FAULTS", "Plant", "constructs", "limits", "platform", "policies", "systems"]
