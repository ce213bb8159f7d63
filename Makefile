# Every target is a plain command: without make, run what stands under it with .venv/bin in front of PATH.

VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do $$name --version >/dev/null 2>&1 && echo $$name && break; done)
PORT ?= 5000
DAYS ?= 30
BIN := $(if $(filter /%,$(VENV)),$(VENV),$(CURDIR)/$(VENV))/bin
CODE := src tests sample benchmarks models docs

# DVC starts the stages by the name `python`.
export PATH := $(BIN):$(PATH)
# No program behind a target reports home.
export DVC_NO_ANALYTICS := 1
export ITERATIVE_DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export NO_ALBUMENTATIONS_UPDATE := 1
export GRADIO_ANALYTICS_ENABLED := False
# Material's advertisement for its successor, at every build.
export NO_MKDOCS_2_WARNING := 1

.NOTPARALLEL:
.PHONY: help env pull repro report promote test check ui compare use cache prune data app space bench sample shipped docs pictures lock lint types format clone

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

env:  ## make .venv from requirements.lock (the other targets do it when needed)
	@command -v "$(PYTHON)" >/dev/null || { echo "error: no Python here; install Python 3.11 or name one: make env PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" src/install.py "$(VENV)"

pull: env  ## bring data/ where it is empty, from the DVC remote that has it
	@[ -n "$$(ls -A data 2>/dev/null)" ] || "$(BIN)/dvc" pull $$(grep -o 'embedded' data.dvc | sed 's/^/-r /') data.dvc

repro: pull  ## run the pipeline on params.yaml, then sum it up; PULL=1 takes from the DVC remote what it has
	@"$(BIN)/dvc" repro $(if $(PULL),--pull)
	@"$(BIN)/python" src/summary.py

report: env  ## what changed since main, as Markdown: make report BASE=rev OUTPUT=file PLOTS=folder
	@"$(BIN)/python" src/report.py $(if $(BASE),--base "$(BASE)") $(if $(OUTPUT),--output "$(OUTPUT)") $(if $(PLOTS),--plots "$(PLOTS)")

test: env  ## the fast tests
	@"$(BIN)/python" -m pytest -m "not slow" -n 2

check: lint types docs  ## all that CI runs: lint, types, the documentation, every test, and the pipeline in a clean clone
	@"$(BIN)/python" -m pytest -m "not slow" -n 2
	@"$(BIN)/python" -m pytest -m slow -n 2 --dist loadfile --durations=15
	@$(MAKE) --no-print-directory clone GOALS=repro

ui: env  ## MLflow's pages of all runs, on http://127.0.0.1:5000 (PORT=...); prints the address to open
	@"$(BIN)/python" src/ui.py --port "$(PORT)"

compare: env  ## the runs beside each other in the terminal: changed parameters, accuracy, seconds
	@"$(BIN)/python" src/compare.py

use: env  ## switch params.yaml to a recipe: make use RECIPE=deck
	@"$(BIN)/python" src/use.py "$(RECIPE)"

promote: env  ## make the best run the champion, if the gate lets it (RUN=ID judges a certain one)
	@"$(BIN)/python" src/promote.py $(if $(RUN),--run "$(RUN)")

cache: env  ## what frozen layers computed and is kept for the next training; CLEAR=1 removes it
	@"$(BIN)/python" src/cache.py $(if $(CLEAR),--clear)

prune: env  ## remove runs, caches and checkpoints older than DAYS=30, and data that no commit uses
	@"$(BIN)/python" src/prune.py --older-than "$(DAYS)"

data: env  ## bring the full CIFAKE into data/, from Kaggle or from a file or folder: make data FROM=path
	@"$(BIN)/python" src/fetch.py $(if $(FROM),--from "$(FROM)")

app: env  ## the demo in the browser, on http://127.0.0.1:7860
	@"$(BIN)/python" src/app.py

space: env  ## the demo as a folder for Hugging Face Spaces, outputs/space
	@"$(BIN)/python" src/space.py

bench: env  ## measure beside the usual ways of doing it, on CIFAKE: some hours (NAME=one of them, FROM=archive)
	@"$(BIN)/python" benchmarks/run.py $(NAME) $(if $(FROM),--from "$(FROM)")

sample: env  ## make the embedded sample anew, as .cache/sample/sample.tar.gz (downloads Debian's background pictures)
	@"$(BIN)/python" sample/make.py --output .cache/sample/sample.tar.gz

shipped: env  ## train the shipped detector anew on CIFAKE, into models/cifake: three hours (FROM=archive)
	@"$(BIN)/python" models/make.py $(if $(FROM),--from "$(FROM)")

docs: env  ## the documentation as a site, site/index.html; fails on a broken link, writes anew what pages take from the code
	@"$(BIN)/python" docs/tools/pages.py
	@"$(BIN)/mkdocs" build

pictures: env  ## the documentation's pictures, from what `make repro` left (needs Chromium and its driver)
	@"$(BIN)/python" docs/tools/pictures.py

lock: env  ## resolve requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@"$(BIN)/uv" pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --group dev $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock

lint: env  ## style: ruff's rules and its format
	@"$(BIN)/ruff" check $(CODE)
	@"$(BIN)/ruff" format --check $(CODE)

types: env  ## types: mypy, strict
	@"$(BIN)/mypy" src

format: env  ## mend style where ruff can
	@"$(BIN)/ruff" check --fix $(CODE)
	@"$(BIN)/ruff" format $(CODE)

clone: env  ## what a newcomer does: clone the last commit, make repro, make test
	@git diff --quiet HEAD || echo "note: the clone holds the last commit, without the changes in your tree"
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
		git clone --quiet . "$$folder/realfake" && cd "$$folder/realfake" && \
		$(MAKE) --no-print-directory $(or $(GOALS),repro test) VENV="$$(dirname "$(BIN)")" && \
		{ "$(BIN)/dvc" status --quiet || { echo "error: the pipeline is not up to date after make repro" >&2; exit 1; }; }
