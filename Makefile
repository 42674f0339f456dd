# Everything there is to run. On a bare machine only python3 (3.11 or newer), make and git
# are needed; .ci/venv makes the rest.
PORT ?= 8000
PYTHON ?=
ARGS ?=
export PYTHON

RUN := .ci/venv requirements.txt
DEV := .ci/venv requirements-dev.txt

.PHONY: help run test lint format lock demo bench properties mutants coverage faults hostile audit clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | expand -t 12

run: ## Start everything with a demo clinic (make run PORT=8001 for another port)
	@$(RUN) manage.py run_demo --port $(PORT)

test: ## Run every check and the suite on SQLite and PostgreSQL (ARGS goes to pytest)
	@$(DEV) -m tests $(ARGS)

lint: ## Run the checks without the tests
	@$(DEV) -m tests --only-checks

format: ## Rewrite the code in the house style
	@$(DEV) -m ruff check --fix-only --quiet .
	@$(DEV) -m ruff format .

lock: ## Pin what the .in files ask for, with hashes
	@$(DEV) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-strip-extras --custom-compile-command "make lock" \
		-o requirements.txt requirements.in
	@$(DEV) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-strip-extras --custom-compile-command "make lock" \
		-o requirements-dev.txt requirements-dev.in

demo: ## Fill the database with the demo clinic, without starting anything
	@$(RUN) manage.py migrate --verbosity 0
	@$(RUN) manage.py demo

bench: ## Measure speed side by side, as ratios (many minutes; ARGS="sending --rounds 3")
	@$(DEV) -m tests.benchmarks $(ARGS)

properties: ## Run the engine's laws on many thousand made-up histories (minutes)
	@$(DEV) -m pytest tests/engine -m long -s $(ARGS)

mutants: ## Take guards out one by one: which test notices? (hours; ARGS="sending --sample 200")
	@$(DEV) -m tests.mutants $(ARGS)

coverage: ## Fail for each branch of the reminders' core that none of their tests takes (minutes)
	@$(DEV) -m pytest -q -n 2 --dist loadfile --cov --cov-report= tests/reminders $(ARGS)
	@$(DEV) -m coverage report --show-missing --skip-covered --fail-under=100 \
		--include='reminders/outbox/*,reminders/*rules.py,reminders/journal.py,reminders/transport.py'

faults: ## Kill workers, brokers and databases while reminders drain (minutes)
	@$(DEV) -m tests -m long tests/faults $(ARGS)

hostile: ## Send hostile text to every field of every form (about an hour)
	@$(DEV) -m pytest tests/test_hostile.py -m long -n 2 $(ARGS)

audit: ## Look for known holes in what is pinned (needs the network)
	@$(DEV) -m uv tool run pip-audit -r requirements.txt --disable-pip --require-hashes

clean: ## Remove .venv and every cache; the data in var/ stays
	rm -rf .venv .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
