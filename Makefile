# make demo     install into .venv and run the main job on the synthetic catalogue: store, and report.html to open, in demo/
# make quick    the unit tests on one kernel backend, in one to two minutes (BACKEND=cpu, WORKERS=2)
# make test     install into .venv and run the whole test suite in WORKERS=2 processes: the tests that share the machine,
#               then those that kill processes, start clusters or have deadlines; ARGS go to pytest, COVERAGE=1 prints the lines that were run
# make device   run the tests of the cuda backend on the virtual device in its slow forms: device-reversed (threads in
#               reversed order), device-shuffled (another order, the second of two devices, memory full of NaN) and
#               device-sanitized (kernels and arrays under AddressSanitizer); ARGS go to pytest
# make slurm    start a Slurm on this machine, run the tests of slurm/ in it, and stop it (Debian: slurm-wlm, munge)
# make docs     build the documentation in build/docs/html: pages, tutorials with their output, reference from the code;
#               warnings, broken links and anything fetched from elsewhere are errors
# make check    format, ruff, mypy, the layer contracts and the guidelines of Scientific Python (sp-repo-review)
# make types    check the types of the report page's scripts with TypeScript (needs node and npm)
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

WORKERS ?= 2
BACKEND ?= cpu
PYTEST := $(BIN)/python -m pytest
COV := $(if $(COVERAGE),--cov=stmgpu --cov-report=)

.PHONY: demo quick test device device-reversed device-shuffled device-sanitized slurm docs check types build lock clean install
.DEFAULT_GOAL := test

demo: install
	$(BIN)/stmgpu demo --out demo

quick: install
	$(PYTEST) --numprocesses $(WORKERS) --dist worksteal -m "not slow and not alone" --backend $(BACKEND) $(COV) $(ARGS)
	$(if $(COVERAGE),$(BIN)/coverage report --precision 1)

# exit status 5 of pytest: no test was selected, as happens to one half or the other with ARGS=tests/some_file.py
test: install
	@echo "== tests that share the machine, in $(WORKERS) processes"; \
	$(PYTEST) --numprocesses $(WORKERS) --dist worksteal -m "not alone" $(COV) $(ARGS); shared=$$?; \
	[ $$shared -ne 2 ] || exit 2; \
	echo "== tests that kill processes, start clusters or have deadlines, in $(WORKERS) processes"; \
	$(PYTEST) --numprocesses $(WORKERS) --dist loadfile -m alone $(COV) $(if $(COVERAGE),--cov-append) $(ARGS); alone=$$?; \
	$(if $(COVERAGE),$(BIN)/coverage report --precision 1;) \
	case "$$shared $$alone" in "0 0" | "0 5" | "5 0") ;; *) \
	  echo "== FAILED: exit status of the first part $$shared, of the second $$alone" >&2; exit 1 ;; esac

DEVICE = $(PYTEST) --numprocesses $(WORKERS) --dist worksteal -m "cuda and not alone" --device virtual $(ARGS)

device: device-reversed device-shuffled device-sanitized

device-reversed: install
	@echo "== virtual device, threads in reversed order"
	STMGPU_VIRTUAL_ORDER=1 $(DEVICE)

device-shuffled: install
	@echo "== virtual device, the second of two, threads shuffled, memory that nobody has written full of NaN"
	STMGPU_VIRTUAL_ORDER=77 STMGPU_VIRTUAL_DEVICES=2 STMGPU_VIRTUAL_FILL=0xFF $(DEVICE)

device-sanitized: install
	@echo "== virtual device, kernels compiled with AddressSanitizer"
	PYTHONPATH=tests $(BIN)/python -m virtual_device.sanitized $(DEVICE)

slurm: install
	@SLURM_CONF=$$(tests/slurm/cluster.sh start --nodes 3) || exit 1; export SLURM_CONF; \
	  trap 'tests/slurm/cluster.sh stop' EXIT; trap 'exit 130' INT TERM; \
	  $(PYTEST) tests/slurm $(ARGS)

docs: install $(VENV)/docs
	@rm -rf build/docs/html # pages that are gone would hide broken links
	$(BIN)/python docs/site/stage.py build/docs/source
	$(BIN)/python -m sphinx -W --keep-going -q -j $(WORKERS) -c docs -d build/docs/doctrees build/docs/source build/docs/html
	$(BIN)/python docs/site/check.py build/docs/html
	@echo "== build/docs/html/index.html"

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sp-repo-review --show err .

types: install
	STMGPU_BROWSER=required $(PYTEST) tests/report/page/browser/test_types.py --quiet

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

$(VENV)/docs: docs/requirements.lock $(VENV)/requirements
	@echo "== installing what builds the documentation"
	@$(PIP) install --require-hashes --requirement docs/requirements.lock
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

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --custom-compile-command "make lock" $(UPGRADE)

lock: $(VENV)/python
	@$(PIP) install uv==$(UV_VERSION)
	$(BIN)/$(COMPILE) --extra czml --extra plot --group dev --output-file requirements.lock pyproject.toml
	$(BIN)/$(COMPILE) --group docs --constraints requirements.lock --output-file docs/requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist demo stmgpu/_native .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
