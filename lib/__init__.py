"""The product: settings, constructs and stacks. Importing it makes the provider bindings lazy."""

from lib.bindings import install

install()
