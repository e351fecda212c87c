# Needs python3 (3.11 or newer), make and a package index; nothing else. `make help` lists the work.

PYTHON ?= python3
VENV ?= .venv
VENV_PEERS ?= .venv-peers
WORKERS ?= 2

# Handed on: make demo ARGS="--epochs 5", make check ARGS="-k tape", make bench ARGS=...
ARGS ?=
# For pip in the peers' environment, such as --index-url with PyTorch's page of CPU-only wheels.
PEERS_PIP_ARGS ?=

PIP := -m pip --disable-pip-version-check --quiet
PY := $(VENV)/bin/python
PY_PEERS := $(VENV_PEERS)/bin/python

# Two test processes share the cores; threads of BLAS on top would only wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format check smoke docs docs-serve bench bench-peers test-peers \
	test-slow test-traced fuzz clean

help:  ## list what can be made
	@grep -E '^[a-z-]+:.*  ## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*  ## /\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.demo-installed  ## the notebook's tour, and a network trained on California housing
	@$(PY) -m gradtape demo $(ARGS)

test: lint check smoke docs  ## all that must pass: lint, types, tests, examples, smoke run, site

lint: $(VENV)/.test-installed  ## style, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict src

format: $(VENV)/.test-installed  ## put the code into the format that lint wants
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

check: $(VENV)/.test-installed  ## the tests and the documentation's examples
	$(ONE_THREAD) $(PY) -m pytest -n $(WORKERS) $(ARGS)

smoke: $(VENV)/.test-installed  ## every benchmark once, quickly
	$(PY) -m benchmarks --smoke
	$(PY) -m benchmarks.derivatives --smoke
	$(PY) -m benchmarks.gradient_cost --smoke

docs: $(VENV)/.docs-installed  ## the site, in build/docs/html; a warning or a broken link fails
	$(ONE_THREAD) $(PY) -m sphinx --quiet --fresh-env --fail-on-warning -d build/docs/doctrees docs build/docs/html
	$(PY) docs/tools/links.py build/docs/html

docs-serve: docs  ## the site at http://localhost:8000
	$(PY) -m http.server --bind localhost --directory build/docs/html 8000

bench: $(VENV)/.test-installed  ## gradtape against hand-written NumPy
	$(PY) -m benchmarks $(ARGS)

bench-peers: $(VENV_PEERS)/.installed  ## and against TensorFlow, PyTorch, JAX and others
	$(PY_PEERS) -m benchmarks $(ARGS)

test-peers: $(VENV_PEERS)/.installed  ## the same programs under the peers, where answers must agree
	$(PY_PEERS) -m pytest -m peers $(ARGS)
	GRADTAPE_REFERENCE=tensorflow $(PY_PEERS) -m pytest tests/reference $(ARGS)

test-slow: $(VENV)/.test-installed  ## what takes long: more orders, dtypes, entries and points
	$(ONE_THREAD) $(PY) -m pytest -m slow -n $(WORKERS) $(ARGS)

test-traced: $(VENV)/.test-installed  ## every test's program traced as well, run by each engine
	GRADTAPE_TRACED=numpy $(ONE_THREAD) $(PY) -m pytest tests -n $(WORKERS) $(ARGS)
	GRADTAPE_TRACED=llvm $(ONE_THREAD) $(PY) -m pytest tests -n $(WORKERS) $(ARGS)

fuzz: $(VENV)/.test-installed  ## derivatives of random programs, in every way there is, compared
	$(ONE_THREAD) $(PY) -m fuzz $(ARGS)

clean:  ## remove the environments and all that the tools left behind
	rm -rf $(VENV) $(VENV_PEERS) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	rm -rf docs/pictures docs/notebooks
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || :

# The environments. Each is made once; a stamp says what is installed, until pyproject.toml or the
# interpreter changes.

$(VENV)/.demo-installed: pyproject.toml $(PY)
	@echo "Installing gradtape and what its demo needs into $(VENV) ..."
	@$(PY) $(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/.test-installed: pyproject.toml $(PY)
	@echo "Installing gradtape and what its tests need into $(VENV) ..."
	@$(PY) $(PIP) install -e '.[test]'
	@touch $@ $(VENV)/.demo-installed $(VENV)/.docs-installed

$(VENV)/.docs-installed: pyproject.toml $(PY)
	@echo "Installing gradtape and what its site is built with into $(VENV) ..."
	@$(PY) $(PIP) install -e '.[docs]'
	@touch $@

# PyTorch first and alone: the others leave an installed one as it is.
$(VENV_PEERS)/.installed: pyproject.toml benchmarks/requirements-peers.txt $(PY_PEERS)
	@echo "Installing the peers into $(VENV_PEERS); they are large ..."
	@$(PY_PEERS) $(PIP) install $(PEERS_PIP_ARGS) torch==2.13.0
	@$(PY_PEERS) $(PIP) install -r benchmarks/requirements-peers.txt
	@$(PY_PEERS) $(PIP) install -e '.[test]'
	@touch $@

# Without ensurepip (Debian keeps it in a package of its own) the interpreter's pip will do.
%/bin/python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
		echo "gradtape needs Python 3.11 or newer, but there is no '$(PYTHON)';" \
			"name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "gradtape needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1 | head -n 1);" \
			"name a newer one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv $* >$*.log 2>&1 \
		|| { "$(PYTHON)" -m venv --clear --without-pip $* \
			&& "$(PYTHON)" $(PIP) --python $@ install pip; } >>$*.log 2>&1 \
		|| { cat $*.log >&2; rm -rf $* $*.log; \
			echo "'$(PYTHON)' could not make a virtual environment: it lacks venv or ensurepip." \
				"On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -f $*.log
