"""The policy gate: our rules, a linter of IAM policies and checkov, over every stack.

`compliance` and `controls` generate the table of controls in docs/compliance.md.
"""
