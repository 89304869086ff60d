"""Checks of a deployment in an AWS account, after `cdktf deploy`: `tap verify-aws`.

`stack` reads the outputs of the deployed stacks; `deliveries`, `alarms`, `data_path` and
`endpoints` contain the checks, `table` lists them, and `cli` is the command. docs/operations.md
describes what each verdict means.
"""
