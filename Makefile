# Thin names: the Makefile calls the command line, pytest or pip, and knows nothing itself.
#
# What is given to make, as in SPEC=mbm8, reaches a recipe in its environment alone: the shell takes
# "$$SPEC" for one word, whatever is in it, and make expands nothing in it.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),\
  $(eval override export $(name) := $$(value $(name)))))

override SHELL := /bin/bash
override PYTHON := .venv/bin/python
override STUDIES := models/digits.yaml models/depth_small.yaml
override STUDIES_WITH_DATA := models/cifar10_resnet20.yaml models/depth_7scenes.yaml
override ATLAS := models/digits_narrow.yaml models/depth_small.yaml
override ATLAS_WITH_DATA := models/cifar10_resnet20.yaml
override KERNELS := $(shell find mbm_hw/ops/cpu -name '*.cpp' -o -name '*.h' -o -name 'CMakeLists.txt')

.DEFAULT_GOAL := help
.PHONY: help setup study test check sanitize emulate sim sim-layer prove verilog synth atlas bench docs lint clean

help:     ## List the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

setup:    .venv/installed ## Set up .venv with everything but a simulator
study:    .venv/installed ## Run the default studies; DATA=folder adds those on real data
	$(PYTHON) -m mbm_hw study run $(STUDIES) $${DATA:+$(STUDIES_WITH_DATA) --data "$$DATA"}
	@echo "make study: done; tables, rows and pictures are in results/"

test:     .venv/simulators .venv/browser ## Run all the tests, the kernels also under sanitizers and emulated
	$(PYTHON) -m pytest -n auto --dist worksteal
	$(MAKE) --no-print-directory -j2 -Oline sanitize emulate
	tests/neon.sh $(PYTHON)
	@echo "make test: all tests passed, the kernels also under sanitizers and emulated"

check:    .venv/simulators ## Check that families keep what all must, by proof and simulation too; FAMILY=drum or my.py:Mine
	$(PYTHON) -m mbm_hw check --also proof.conformance $${FAMILY:+"$$FAMILY"}

sanitize: .venv/installed ## Run the kernels' tests under the sanitizers alone
	tests/kernels.sh sanitize $(PYTHON)
	@echo "make sanitize: no errors found"

emulate:  .venv/installed ## Run the AVX-512 kernels' tests alone, on any AVX2 machine
	tests/kernels.sh emulate $(PYTHON)
	@echo "make emulate: all tests passed"

sim:      .venv/simulators ## Simulate rtl/ against the reference; SIM=icarus|verilator|all SPEC=mbm8 WAVES=1 COVERAGE=1 SEED=0
	$(PYTHON) -m sim $${SIM:+--sim "$$SIM"} $${SPEC:+--spec "$$SPEC"} $${WAVES:+--waves} $${COVERAGE:+--coverage} $${SEED:+--seed "$$SEED"}
	@test -z "$$COVERAGE" || exec $(PYTHON) -m proof.toggles results/sim/verilator $${SPEC:+"$$SPEC"}

prove:    .venv/simulators ## Prove that rtl/ equals the specification; SPEC=mbm8 or SWEEP=1 or FAULTS=1, LIMIT=600
	$(PYTHON) -m proof $${SPEC:+--spec "$$SPEC"} $${SWEEP:+--sweep} $${FAULTS:+--faults} $${LIMIT:+--limit "$$LIMIT"}

sim-layer: .venv/simulators ## Run layers of the trained networks through the convolution engine; SPEC=mbm8s SEED=0, LAYER="digits: conv2" OUTPUTS=600 WAVES=1
	$(PYTHON) -m sim.layer $${SIM:+--sim "$$SIM"} $${SPEC:+--spec "$$SPEC"} $${LAYER:+--layer "$$LAYER"} $${OUTPUTS:+--outputs "$$OUTPUTS"} $${WAVES:+--waves} $${SEED:+--seed "$$SEED"}

verilog:  .venv/installed ## Write the catalog's Verilog to rtl/
	$(PYTHON) -m mbm_hw verilog --all rtl

synth:    .venv/installed ## Price the designs: area, delay, energy, FPGAs; LIBERTY=cells.lib
	$(PYTHON) -m mbm_hw.cost.install
	$(PYTHON) -m mbm_hw cost --power --fpga -o results/cost $${LIBERTY:+--liberty "$$LIBERTY"}
	@echo "make synth: done; tables, all figures and the picture are in results/cost/"

atlas:    .venv/installed ## Lay all families side by side: errors, price, networks; DATA=folder LIBERTY=cells.lib
	$(PYTHON) -m mbm_hw.cost.install
	$(PYTHON) -m mbm_hw atlas $(ATLAS) $${DATA:+$(ATLAS_WITH_DATA) --data "$$DATA"} $${LIBERTY:+--liberty "$$LIBERTY"}
	@echo "make atlas: done; the page is results/atlas/atlas.html"

bench:    .venv/installed ## Time the layers beside PyTorch's exact ones; DEVICE=cuda BENCH="--batch 1 --spec mbm8s"
	@case "$${DEVICE:-cpu}" in cpu) name=bench ;; cuda) name=bench.cuda ;; \
	  *) echo "error: DEVICE must be cpu or cuda" >&2; exit 2 ;; \
	esac; printf %s "$$BENCH" | xargs $(PYTHON) -m $$name

docs:     .venv/installed ## Build the documentation as a site that needs no network
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict
	@echo "make docs: done; the site begins at build/docs/index.html"

lint:     .venv/installed ## Check style and format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

clean:    ## Remove .venv, build and results
	rm -rf .venv build results

.venv/installed: pyproject.toml constraints.txt $(KERNELS)
	@"$${PYTHON3:-python3}" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $${PYTHON3:-python3} must be Python 3.11 or newer with venv (Debian: apt install python3-venv)"; exit 2; }
	@command -v c++ > /dev/null || \
	  { echo "error: a C++ compiler is needed (Debian: apt install g++)"; exit 2; }
	"$${PYTHON3:-python3}" -m venv .venv
	@build=$$(tests/build_folder.sh) && $(PYTHON) -m pip install --quiet --disable-pip-version-check \
	  -c constraints.txt $${build:+-C "build-dir=$$build"} -e '.[sim,synth,formal,cuda,cluster,docs,dev]'
	@# pip's own names this folder in its first line, where a shell takes quotes and $$ apart
	@printf '%s\n' '#!/bin/sh' 'exec "$$(dirname "$$(readlink -f "$$0")")/python" -P -m mbm_hw "$$@"' > .venv/bin/mbm-hw
	@chmod +x .venv/bin/mbm-hw
	@touch $@

.venv/simulators: .venv/installed
	$(PYTHON) -m sim.install
	$(PYTHON) -m mbm_hw.cost.install
	@touch $@

.venv/browser: .venv/installed
	$(PYTHON) tests/browser.py
	@touch $@
