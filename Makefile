# Every target is a plain command: without make, run the lines below a target with .venv/bin in front of PATH.

VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do $$name --version >/dev/null 2>&1 && echo $$name && break; done)
PORT ?= 5000
DAYS ?= 30
BIN := $(if $(filter /%,$(VENV)),$(VENV),$(CURDIR)/$(VENV))/bin
CODE := src tests sample benchmarks models docs

# DVC starts the stages by the name `python`.
export PATH := $(BIN):$(PATH)
# Telemetry of the programs behind the targets is off.
export DVC_NO_ANALYTICS := 1
export ITERATIVE_DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export NO_ALBUMENTATIONS_UPDATE := 1
export GRADIO_ANALYTICS_ENABLED := False
# Material for MkDocs prints an advertisement at every build otherwise.
export NO_MKDOCS_2_WARNING := 1

.NOTPARALLEL:
.PHONY: help env pull repro report promote test check ui compare use cache prune data app space bench sample shipped docs pictures lock lint types format clone

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

env:  ## install the packages of requirements.lock into .venv (the other targets do so when needed)
	@command -v "$(PYTHON)" >/dev/null || { echo "error: no Python found; install Python 3.11 or name one: make env PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" src/install.py "$(VENV)"

pull: env  ## fetch data/ from its DVC remote, if data/ is empty
	@[ -n "$$(ls -A data 2>/dev/null)" ] || "$(BIN)/dvc" pull $$(grep -o 'embedded' data.dvc | sed 's/^/-r /') data.dvc

repro: pull  ## run the pipeline with params.yaml and summarise it; PULL=1 fetches existing results from the DVC remote
	@"$(BIN)/dvc" repro $(if $(PULL),--pull)
	@"$(BIN)/python" src/summary.py

report: env  ## report what changed since main, as Markdown: make report BASE=revision OUTPUT=file PLOTS=folder
	@"$(BIN)/python" src/report.py $(if $(BASE),--base "$(BASE)") $(if $(OUTPUT),--output "$(OUTPUT)") $(if $(PLOTS),--plots "$(PLOTS)")

test: env  ## run the fast tests
	@"$(BIN)/python" -m pytest -m "not slow" -n 2

check: lint types docs  ## run all that CI runs: lint, types, documentation, all tests, and the pipeline in a clean clone
	@"$(BIN)/python" -m pytest -m "not slow" -n 2
	@"$(BIN)/python" -m pytest -m slow -n 2 --dist loadfile --durations=15
	@$(MAKE) --no-print-directory clone GOALS=repro

ui: env  ## serve MLflow's pages of all runs on http://127.0.0.1:5000 (PORT=...) and print the address to open
	@"$(BIN)/python" src/ui.py --port "$(PORT)"

compare: env  ## compare the runs in the terminal: changed parameters, accuracy, seconds
	@"$(BIN)/python" src/compare.py

use: env  ## switch params.yaml to a recipe: make use RECIPE=native
	@"$(BIN)/python" src/use.py "$(RECIPE)"

promote: env  ## promote the best run to champion if it passes the gate (RUN=ID checks a certain run)
	@"$(BIN)/python" src/promote.py $(if $(RUN),--run "$(RUN)")

cache: env  ## show the feature cache, the kept outputs of frozen layers; CLEAR=1 clears it
	@"$(BIN)/python" src/cache.py $(if $(CLEAR),--clear)

prune: env  ## remove runs, caches and checkpoints older than DAYS=30, and data that no commit refers to
	@"$(BIN)/python" src/prune.py --older-than "$(DAYS)"

data: env  ## bring CIFAKE into data/, from Kaggle or from a file or folder: make data FROM=path
	@"$(BIN)/python" src/fetch.py $(if $(FROM),--from "$(FROM)")

app: env  ## serve the demo in the browser on http://127.0.0.1:7860
	@"$(BIN)/python" src/app.py

space: env  ## write the demo as a folder for Hugging Face Spaces, outputs/space
	@"$(BIN)/python" src/space.py

bench: env  ## run the benchmarks on CIFAKE: some hours (NAME=one of them, FROM=archive)
	@"$(BIN)/python" benchmarks/run.py $(NAME) $(if $(FROM),--from "$(FROM)")

sample: env  ## make the embedded sample again, as .cache/sample/sample.tar.gz (downloads photographs from Debian)
	@"$(BIN)/python" sample/make.py --output .cache/sample/sample.tar.gz

shipped: env  ## train the shipped detector again on CIFAKE, into models/cifake: three hours (FROM=archive)
	@"$(BIN)/python" models/make.py $(if $(FROM),--from "$(FROM)")

docs: env  ## build the documentation, site/index.html, and update the parts that are generated from the code
	@"$(BIN)/python" docs/tools/pages.py
	@"$(BIN)/mkdocs" build

pictures: env  ## make the documentation's pictures from the results of `make repro` (needs Chromium and its driver)
	@"$(BIN)/python" docs/tools/pictures.py

lock: env  ## resolve requirements.lock again from pyproject.toml (UPGRADE=1 allows newer versions)
	@"$(BIN)/uv" pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --group dev $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock

lint: env  ## check style with ruff: rules and format
	@"$(BIN)/ruff" check $(CODE)
	@"$(BIN)/ruff" format --check $(CODE)

types: env  ## check types with mypy, strict
	@"$(BIN)/mypy" src

format: env  ## correct style where ruff can
	@"$(BIN)/ruff" check --fix $(CODE)
	@"$(BIN)/ruff" format $(CODE)

clone: env  ## do what a newcomer does: clone the last commit, make repro, make test
	@git diff --quiet HEAD || echo "note: the clone is the last commit, without your uncommitted changes"
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
		git clone --quiet . "$$folder/realfake" && cd "$$folder/realfake" && \
		$(MAKE) --no-print-directory $(or $(GOALS),repro test) VENV="$$(dirname "$(BIN)")" && \
		{ "$(BIN)/dvc" status --quiet || { echo "error: the pipeline is not up to date after make repro" >&2; exit 1; }; }
