"""Settings, constructs, rules and stacks. Importing this package has no side effects."""
