# make demo   the whole loop, end to end, in a new workspace
# make test   every check and the whole test suite
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check docs clean

demo: .venv/installed
	$(BIN)/mimique demo

test: .venv/installed-test check
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/installed-test
	$(BIN)/cog -r README.md

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Mimique needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=/path/to/python3.12 …"; exit 1; }
	@echo "installing Mimique with PyTorch into .venv: several minutes, several GB, once"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info
