# make demo     install into .venv and run the main job on the synthetic catalogue: store and picture under demo/
# make test     install into .venv and run the whole test suite
# make slurm    start a Slurm on this machine, run the tests of slurm/ in it, and stop it (Debian: slurm-wlm, munge)
# make check    format, ruff, mypy and the layer contracts
# make build    compile the kernels anew
# make lock     renew requirements.lock (UPGRADE=--upgrade takes the newest versions)
# make clean    remove everything that make made
#
# Needs: Python >= 3.11 (override with PYTHON=...), make, and a C++ compiler (g++ or clang++) for the cpu backend.

VENV ?= .venv
UV_VERSION := 0.13.9
PROBE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14 python
PYTHON ?= $(shell for p in $(CANDIDATES); do "$$p" -c '$(PROBE)' 2>/dev/null && command -v "$$p" && break; done)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NATIVE := $(wildcard kernels/*.cu kernels/*.cpp kernels/include/*.h)
PACKAGES := $(wildcard stmgpu/__init__.py stmgpu/*/__init__.py stmgpu/*/*/__init__.py) # the editable install lists them

.PHONY: demo test slurm check build lock clean install
.DEFAULT_GOAL := test

demo: install
	$(BIN)/stmgpu demo --out demo

test: install
	$(BIN)/python -m pytest $(ARGS)

slurm: install
	@SLURM_CONF=$$(tests/slurm/cluster.sh start) || exit 1; export SLURM_CONF; \
	  trap 'tests/slurm/cluster.sh stop' EXIT; trap 'exit 130' INT TERM; \
	  $(BIN)/python -m pytest tests/slurm $(ARGS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "stmgpu needs Python >= 3.11 with its venv and ensurepip modules; none of these" \
	  "has them: $(CANDIDATES). Install one (Debian, Ubuntu: python3 python3-venv) or name it:" \
	  "make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c '$(PROBE)' 2>/dev/null || { echo "PYTHON=$(PYTHON) is not a Python >= 3.11 with the venv and" \
	  "ensurepip modules" >&2; exit 1; }
	@echo "== new environment $(VENV) with $$("$(PYTHON)" --version) ($(PYTHON))"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/requirements: requirements.lock $(VENV)/python
	@echo "== installing the locked requirements (the first time takes a minute or more)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/installed: pyproject.toml CMakeLists.txt $(NATIVE) $(PACKAGES) $(VENV)/requirements
	@echo "== compiling the kernels and installing stmgpu"
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/python -c 'from stmgpu.backend.cpu import usable_levels as f; levels = ", ".join(f()); print("== cpu backend:", \
	  levels or "NONE. No C++ compiler was found, so only the slow reference backend works; install g++ and run make build")'
	@touch $@

build: $(VENV)/requirements
	@rm -f $(VENV)/installed
	@rm -rf build/editable
	@$(MAKE) --no-print-directory install

lock: $(VENV)/python
	@$(PIP) install uv==$(UV_VERSION)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" $(UPGRADE) --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist demo stmgpu/_native .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
