"""Runs checkov on the stacks and their plans, and applies the suppressions of resources."""
