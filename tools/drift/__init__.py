"""Says what was changed outside Terraform, and by whom: ``make drift``."""
