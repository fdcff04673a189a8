# Thin names: the Makefile calls the command line, pytest or pip, and knows nothing itself.
SHELL := /bin/bash
PYTHON3 ?= python3
BIN := .venv/bin
SIM ?= $(if $(COVERAGE),verilator,icarus)
STUDIES := models/digits.yaml models/depth_small.yaml
STUDIES_WITH_DATA := models/cifar10_resnet20.yaml models/depth_7scenes.yaml
KERNELS := $(shell find mbm_hw/ops/cpu -name '*.cpp' -o -name '*.h' -o -name 'CMakeLists.txt')

.DEFAULT_GOAL := help
.PHONY: help setup study test sanitize emulate sim sim-layer prove verilog synth bench lint clean

help:     ## List the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

setup:    .venv/installed ## Set up .venv with everything but a simulator
study:    .venv/installed ## Run the default studies; DATA=folder adds those on real data
	$(BIN)/mbm-hw study run $(STUDIES) $(if $(DATA),$(STUDIES_WITH_DATA) --data $(DATA))
	@echo "make study: done; tables, rows and pictures are in results/"

test:     .venv/simulators .venv/browser ## Run all the tests, the kernels also under sanitizers and emulated
	$(BIN)/python -m pytest -n auto --dist worksteal
	$(MAKE) --no-print-directory -j2 -Oline sanitize emulate
	tests/neon.sh $(BIN)/python
	@echo "make test: all tests passed, the kernels also under sanitizers and emulated"

sanitize: .venv/installed ## Run the kernels' tests under the sanitizers alone
	tests/kernels.sh sanitize $(BIN)/python
	@echo "make sanitize: no errors found"

emulate:  .venv/installed ## Run the AVX-512 kernels' tests alone, on any AVX2 machine
	tests/kernels.sh emulate $(BIN)/python
	@echo "make emulate: all tests passed"

sim:      .venv/simulators ## Simulate rtl/ against the reference; SIM=icarus|verilator|all SPEC=mbm8 WAVES=1 COVERAGE=1 SEED=0
	$(BIN)/python -m sim --sim $(SIM) $(if $(SPEC),--spec $(SPEC)) $(if $(WAVES),--waves) $(if $(COVERAGE),--coverage) $(if $(SEED),--seed $(SEED))
	$(if $(COVERAGE),$(BIN)/python -m proof.toggles results/sim/verilator $(SPEC))

prove:    .venv/simulators ## Prove that rtl/ equals the specification; SPEC=mbm8 or SWEEP=1 or FAULTS=1, LIMIT=600
	$(BIN)/python -m proof $(if $(SPEC),--spec $(SPEC)) $(if $(SWEEP),--sweep) $(if $(FAULTS),--faults) $(if $(LIMIT),--limit $(LIMIT))

sim-layer: .venv/simulators ## Run layers of the trained networks through the convolution engine; SPEC=mbm8s SEED=0, LAYER="digits: conv2" OUTPUTS=600 WAVES=1
	$(BIN)/python -m sim.layer $(if $(SPEC),--spec $(SPEC)) $(if $(LAYER),--layer "$(LAYER)") $(if $(OUTPUTS),--outputs $(OUTPUTS)) $(if $(WAVES),--waves) $(if $(SEED),--seed $(SEED))

verilog:  .venv/installed ## Write the catalog's Verilog to rtl/
	$(BIN)/mbm-hw verilog --all rtl

synth:    .venv/installed ## Price the designs: area, delay, energy, FPGAs; LIBERTY=cells.lib
	$(BIN)/python -m mbm_hw.cost.install
	$(BIN)/mbm-hw cost --power --fpga -o results/cost $(if $(LIBERTY),--liberty $(LIBERTY))
	@echo "make synth: done; tables, all figures and the picture are in results/cost/"

bench:    .venv/installed ## Time the layers beside PyTorch's exact ones; DEVICE=cuda BENCH="--batch 1 --spec mbm8s"
	$(BIN)/python -m bench$(if $(filter cuda,$(DEVICE)),.cuda) $(BENCH)

lint:     .venv/installed ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:    ## Remove .venv, build and results
	rm -rf .venv build results

.venv/installed: pyproject.toml constraints.txt $(KERNELS)
	@$(PYTHON3) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON3) must be Python 3.11 or newer with venv (Debian: apt install python3-venv)"; exit 2; }
	@command -v c++ > /dev/null || \
	  { echo "error: a C++ compiler is needed (Debian: apt install g++)"; exit 2; }
	$(PYTHON3) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sim,synth,formal,cuda,cluster,dev]'
	@touch $@

.venv/simulators: .venv/installed
	$(BIN)/python -m sim.install
	$(BIN)/python -m mbm_hw.cost.install
	@touch $@

.venv/browser: .venv/installed
	$(BIN)/python tests/browser.py
	@touch $@
