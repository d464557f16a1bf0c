# What can be done here. Every target sets up what it needs; `make` alone lists them.

STACK ?= local
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
WORKERS ?= auto
TESTS ?=
PRESET ?= bloom-560m-tiny
STEPS ?= 30
WHAT ?= all
OUT ?=
MODEL ?= runs/$(PRESET)/export
ARGS ?=
# Runs what follows with the Python that has PyTorch, got first if need be.
WITH_PYTORCH = PYTHON=$$($(RUN) -m sandbox tools --install --path training) || exit $$?; exec "$$PYTHON"

export STACK

.DEFAULT_GOAL := help
.PHONY: help setup up preview down status drift orphans recover history cost policy train bench serve image check \
  check-training training-environment test soak backend clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  STACK=local by default; the stacks are the files stacks/Pulumi.<stack>.yaml"

setup: $(VENV)/.ready ## make the Python environment and get the tools
	@$(RUN) -m sandbox tools --install

up: $(VENV)/.ready ## create or change a stack: cost, policies, pulumi up, benchmark, verdict
	@$(RUN) -m operations up

preview: $(VENV)/.ready ## show the cost and what `up` would do; create nothing
	@$(RUN) -m operations preview

down: $(VENV)/.ready ## destroy a stack, prove that nothing is left, stop the local cloud
	@$(RUN) -m operations down

status: $(VENV)/.ready ## what runs where
	@$(RUN) -m operations status

drift: $(VENV)/.ready ## what is in the cloud otherwise than the state says
	@$(RUN) -m operations drift

orphans: $(VENV)/.ready ## tagged objects that no state holds
	@$(RUN) -m operations orphans

recover: $(VENV)/.ready ## put right what an interrupted command left behind
	@$(RUN) -m operations recover

history: $(VENV)/.ready ## the stack's benchmark verdicts
	@$(RUN) -m operations history

cost: $(VENV)/.ready ## what a stack costs, draws and emits
	@$(RUN) -m cost --stack $(STACK) $(if $(FORMAT),--format $(FORMAT))

policy: $(VENV)/.ready ## which policies a stack breaks (ALL=1: every stack)
	@$(RUN) -m policies.check $(if $(ALL),--all,--stack $(STACK)) $(if $(FORMAT),--format $(FORMAT))

train: $(VENV)/.ready ## train a preset: PRESET=bloom-560m-tiny STEPS=30 OUT=DIR
	@$(WITH_PYTORCH) -m training.train --preset "$(PRESET)" --steps "$(STEPS)" --output "$(or $(OUT),runs/$(PRESET))" $(ARGS)

bench: $(VENV)/.ready ## measure this machine: WHAT=all OUT=DIR
	@$(WITH_PYTORCH) -m training.bench $(WHAT) --output "$(or $(OUT),runs/bench)" $(ARGS)

serve: $(VENV)/.ready ## answer requests from an exported model: MODEL=DIR
	@$(WITH_PYTORCH) -m training.serve --model "$(MODEL)" $(ARGS)

image: $(VENV)/.ready ## build the training image: BUILDER=docker BASE=name@sha256:...
	@$(RUN) -m operations image

backend: $(VENV)/.ready ## make a place for the state of cloud stacks (S3 bucket, KMS key)
	@$(RUN) -m operations backend

check: $(VENV)/.ready-dev ## format, lint, types, architecture
	@$(VENV)/bin/ruff format --check -q .
	@$(VENV)/bin/ruff check -q .
	@$(VENV)/bin/pyright --warnings > .pyright.log || { cat .pyright.log; exit 1; }
	@$(VENV)/bin/lint-imports --no-cache > .imports.log || { cat .imports.log; exit 1; }
	@$(MAKE) -s check-training
	@$(RUN) -m stacks check --all
	@echo "check: clean"

check-training: $(VENV)/.ready-dev
	@if PYTHON=$$($(RUN) -m sandbox tools --path training 2> /dev/null); then \
	  $(VENV)/bin/pyright -p training --pythonpath "$$PYTHON" --warnings > .pyright.log || { cat .pyright.log; exit 1; }; \
	else echo "training types: not checked (\`make train\` or \`make test\` gets PyTorch)"; fi

training-environment: $(VENV)/.ready
	@$(RUN) -m sandbox tools --install --path training > /dev/null || echo "training: no PyTorch, its tests will fail" >&2

test: training-environment check ## all tests: pure, offline, sandbox, end to end
	@$(RUN) -m tests $(TESTS)

soak: $(VENV)/.ready-dev ## the fault tests many times over
	@$(RUN) -m pytest -m soak

clean: ## remove the Python environment and the local state (cached tools stay)
	@test ! -x $(RUN) || $(RUN) -m sandbox reset --yes
	@rm -rf $(VENV) .sandbox

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or newer is needed (make ... PYTHON=python3.12)" >&2; exit 2; }
	@echo "making the Python environment in $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.txt constraints.txt | $(VENV)/bin/python
	@echo "installing requirements.txt (a minute, once)" >&2
	@$(RUN) -m pip install -q --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@echo "installing requirements-dev.txt" >&2
	@$(RUN) -m pip install -q --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@
