"""Checks that the current revision replaces no resource of a deployment of another revision."""
