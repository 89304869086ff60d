"""What AWS bills for the existence of resources: the types, their prices and the costs of stacks.

- ``BILLED`` are the resource types that AWS bills for their existence, with the word for them in
  reports. The plan review reports when one is added or removed.
- ``monthly_items()`` lists what a stack is billed for each month while it is idle.
- ``prices.toml`` has the prices, with their date and sources.

``tools.costs.document`` generates docs/costs.md; it is imported separately, because it synthesizes.
"""

from tools.costs.billed import BILLED, is_billed
from tools.costs.estimate import Item, Prices, load_prices, monthly_items

__all__ = ["BILLED", "Item", "Prices", "is_billed", "load_prices", "monthly_items"]
