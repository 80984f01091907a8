# Everything runs in .venv, which the stamp below rebuilds when the requirements change.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup train demo test lint bench docs wheel pictures

setup: $(STAMP)

$(STAMP): setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,export,warp,rsl-rl,web]"
	touch $(STAMP)

train: setup
	$(BIN)/legged-train go1_walk

# A Go1 over every kind of obstacle, each passed by the skill for it: a video, then success on forty courses.
demo: setup
	mkdir -p logs/demo
	$(BIN)/legged-record --task go1_field --policy mutex --out logs/demo/course.mp4 --difficulty 0.5 \
		--blocks tilt crawl jump leap down hurdle stairs_up slope rubble stairs_down
	$(BIN)/legged-evaluate --task go1_field --policy mutex --protocol course --episodes 40 \
		--json logs/demo/course.json --plot logs/demo/course.svg

# One process a core, each with one thread.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: setup
	$(BIN)/legged-benchmark --json benchmark.json

# The pictures of the README and of docs/; two of them show runs in logs/, and pages need Chromium.
pictures: setup
	$(BIN)/legged-pictures

# The site in site/; fails at the first warning.
docs: setup $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

$(VENV)/.docs: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

# Builds the wheel, installs it in a fresh environment and uses it in an empty folder.
wheel:
	.ci/check_wheel
