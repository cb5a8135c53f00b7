# Every command of the repository. `make help` lists them; only python3 (3.11 to 3.14) and make are needed.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp
PYTHON ?=
VIDEO ?=
LAB ?=
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup lab demo test check labs clean

# An environment whose interpreter is gone (the system's Python was upgraded) is made again.
ifneq ($(shell test -e $(BIN)/python || echo gone),)
.PHONY: $(STAMP)
endif

help:
	@echo 'make setup              create .venv and install the pinned dependencies'
	@echo 'make lab                open JupyterLab on the first lab   (LAB=03 another one, ARGS="--port 9000")'
	@echo 'make demo               interpolate a generated clip       (VIDEO=my.mp4 your own)'
	@echo 'make test               run every test, the notebooks included'
	@echo 'make check              run the linter, the format check and the type check'
	@echo 'make labs               rebuild labs/ from solutions/'
	@echo 'make clean              remove caches and build output, nothing that anyone wrote'
	@echo 'PYTHON=/path/to/python3 chooses the Python that .venv is made with'

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt setup_env.py
	@for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.11 python3.12 python3.13 python3.14); do \
	    if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then \
	        "$$candidate" setup_env.py && touch $@; exit; \
	    fi; \
	done; \
	echo 'Set-up stopped. $(if $(PYTHON),$(PYTHON) is not,There is no) Python 3.11 to 3.14.' \
	     'Install one, or name one that is there: make setup PYTHON=/path/to/python3.11' >&2; exit 1

sample_data: | $(STAMP)
	@rm -rf $@.part
	$(BIN)/python data_scripts/make_clips.py $@.part --count 4 --frames 32 --size 128x192 --seed 0
	@mv $@.part $@

lab: $(STAMP) sample_data
	$(BIN)/lift lab $(LAB) $(ARGS)

demo: $(STAMP)
	$(BIN)/lift demo $(if $(VIDEO),--video "$(VIDEO)") $(ARGS)

# In two processes, for much of the time goes in waiting for others; a file, and so a notebook, stays in one.
test: $(STAMP)
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && LIFT_WORK="$$work" $(BIN)/python -m pytest \
	    --numprocesses 2 --dist loadfile \
	    --nbval --nbval-current-env --nbval-cell-timeout=120 tests $(wildcard solutions) $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

labs: $(STAMP)
	$(BIN)/python -m lift_core.course.build $(ARGS)

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis sample_data.part
	find lift_core data_scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
