"""The policy gate: our rules and the checks of other programs, over every stack and script.

`cli` prints one row for each check: the rules (`lib.rules`), IAM policies (`iam`), checkov
(`tools.checkov`), tf-nag (`tf_nag`), workflows (`workflows`) and shell scripts (`shell`).
`synthesis` writes the JSON that they read, `plans` the plans, `programs` runs the programs.
`compliance` and `controls` generate the table of controls in docs/compliance.md.
"""
