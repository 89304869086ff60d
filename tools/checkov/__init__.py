"""Runs checkov on the synthesized stacks and applies the suppressions of their resources."""
