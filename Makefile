# One command per act. Each works on a fresh clone: what is missing is installed into .venv first.
#   make book        run the notebooks that changed and build the website
#   make test        everything that must pass: code style, library, notebooks, the book's rules, the website
#   make lab         open JupyterLab
#   make browser     look at every page of the website in headless Chromium; screenshots in _build/screenshots
#   make refresh     run all notebooks anew and store their text outputs; NB=path for one of them
#   make repository  URL=https://github.com/owner/name writes the repository's address where it is needed
#   make clean       remove everything that was built (.venv stays)

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
WORKERS ?= 2
SHOTS ?= _build/screenshots
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := $(or $(shell grep '^torch==' $(CONSTRAINTS)),torch)

.DEFAULT_GOAL := book
.PHONY: setup book test check lab browser refresh repository clean

# Kernels without progress bars and, since several run at once, with one thread each.
book test check browser refresh: export NNDL_PROGRESS := 0
book test check browser refresh: export OMP_NUM_THREADS := 1
book test check browser refresh: export IPYTHONDIR := $(CURDIR)/$(VENV)/ipython

setup: $(READY)

# torch goes first and alone, so that pip takes the build the constraints name and not one that a later package asks for.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -c $(CONSTRAINTS) "$(TORCH)"
	$(BIN)/pip install -c $(CONSTRAINTS) -e ".[numba,book,test,scale]"
	mkdir -p $(VENV)/ipython/profile_default
	echo 'c.IPKernelApp.log_level = 40' > $(VENV)/ipython/profile_default/ipython_kernel_config.py
	touch $@

book: $(READY)
	$(BIN)/python tools/warm.py --workers $(WORKERS)
	$(BIN)/python tools/backmatter.py
	$(BIN)/jupyter-book build . -q -W --keep-going -n

test: $(READY)
	$(BIN)/python tools/check.py --workers $(WORKERS)

check: test

lab: $(READY)
	$(BIN)/python tools/backmatter.py
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/chapters

browser: $(READY)
	@test -f _build/html/index.html || $(MAKE) book
	$(BIN)/python tools/browser.py $(if $(SHOTS),--shots $(SHOTS))

refresh: $(READY)
	$(BIN)/python tools/refresh.py --workers $(WORKERS) $(NB)

repository: $(READY)
	$(BIN)/python tools/repository.py "$(URL)"

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis build *.egg-info
