"""Terraform's providers on machines that reach no provider registry."""
