# make demo: train a DCGAN on digits, with nothing to set up first.   make test: lint and tests.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

.PHONY: demo test test-slow lint venv bench

demo: venv
	$(BIN)/python train.py --model dcgan

test: lint
	$(BIN)/python -m pytest

# Sweeps that take longer than a coffee.
test-slow: venv
	$(BIN)/python -m pytest -m slow

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: venv
	$(BIN)/python benchmarks/step.py

# Installed anew only when the requirements, the interpreter or the place of this checkout have changed.
venv:
	@want="$$( ($(PYTHON) --version; pwd; cat setup.cfg constraints.txt) | cksum)"; \
	if [ "$$(cat $(VENV)/installed 2>/dev/null)" != "$$want" ]; then \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --editable ".[test]" --constraint constraints.txt && \
		echo "$$want" > $(VENV)/installed; \
	fi
