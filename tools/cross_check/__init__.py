"""Deploys TapStack to a second emulator, ministack, and observes behaviour that moto lacks.

`account` starts ministack in its own process and environment, `server` is the program of that
process, `site` resolves the endpoint of Aurora in its Lambda functions, `database` replaces Aurora,
`observations` are the checks, and `cli` is the command. docs/emulator.md states which emulator
demonstrates which behaviour.
"""
