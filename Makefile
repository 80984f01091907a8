# Everything runs in .venv, which the stamp below rebuilds when the requirements change.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup train test lint bench

setup: $(STAMP)

$(STAMP): setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,export,warp]"
	touch $(STAMP)

train: setup
	$(BIN)/python scripts/train.py go1_walk

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: setup
	$(BIN)/python scripts/benchmark.py --json benchmark.json
