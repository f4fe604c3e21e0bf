# make demo: set everything up and run the main job, offline, on the embedded models.   make test: run the tests.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Test files run side by side; each may have a local model at work, which wants a core for itself.
WORKERS ?= 2

# llama.cpp tuned to the very CPU it is compiled on crashes on some virtual machines (AMX) and on other machines that
# get the cached wheel. This asks for what every x86-64 CPU since 2013 has.
ifeq ($(shell uname -m),x86_64)
export CMAKE_ARGS ?= -DGGML_NATIVE=OFF
endif

.PHONY: demo app serve test check bench bench-phi3 fault lock audit format clean

demo: $(STAMP)
	@$(BIN)/tierwise demo

app: $(STAMP)
	@$(BIN)/tierwise app

serve: $(STAMP)
	@$(BIN)/tierwise serve

test: $(STAMP)
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/unit/test_layers.py

bench: $(STAMP)
	$(BIN)/python -m benches

bench-phi3: $(STAMP)
	$(BIN)/python -m benches.phi3 $(if $(GGUF),--gguf "$(GGUF)")

# Everything that breaks things on purpose; DATA=FOLDER also plays the cases in it, NAMES="..." picks some.
fault: $(STAMP)
	$(BIN)/python -m benches.faults $(NAMES) $(if $(DATA),--data "$(DATA)")

# requirements/*.txt: everything a release installs, pinned and hashed; UPGRADE=1 takes the newest versions.
lock:
	$(PYTHON) scripts/lock.py $(if $(UPGRADE),--upgrade)

audit: $(STAMP)
	$(BIN)/python scripts/lock.py --audit

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tierwise needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing tierwise into $(VENV). llama.cpp is compiled once: about five minutes on two cores, then cached."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	@touch $@
