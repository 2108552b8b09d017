# make run        install what training needs and run the quickstart
# make setup      install everything: tests, linters, type checker
# make test       set up and run the tests; JOBS=8 runs them in eight processes
# make check      lint, types, direction of imports
# make mutants    change the code in many places, and count the changes that no test notices
# make notebooks  write the notebooks from their scripts
# make replicate  run the recipes of the replicated projects (hours) and write docs/sources.md
# make reader     train, export and evaluate the shipped reader (hours)
# make numbers    train and export the shipped network that reads numbers (hours; resumes)
# make finder     compose pages, train and export the shipped finder of numbers (an hour)
# make recipes    train the other recipes and evaluate them under noise (hours; resumes)
# make handwriting  read real handwriting beside other programs (DATA=FOLDER; an hour)
# make bench      run every other benchmark (an hour or two, on an idle machine)
#   replicate, reader, recipes, handwriting and bench write the documents again from all
#   recorded results.
#   Other people's handwriting is read where it lies in $INKFAST_DATA: benchmarks/handwritten_sets.py
.PHONY: run setup test check mutants notebooks replicate reader finder numbers recipes handwriting bench clean
.DELETE_ON_ERROR:

PYTHON ?= python3
# a folder of its own, so that no other run is ever overwritten
QUICKSTART := .venv/bin/inkfast compare recipes/quickstart.toml --out runs/make-run
BIN := .venv/bin
JOBS ?= 2
MUTATED ?= core noise evaluation execution imaging
BENCH := .benchmarks-venv/bin/python benchmarks
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

run: .venv/.installed
	@# exit code 2 with an existing run: its data or the defaults have changed
	@$(QUICKSTART) --resume || { [ $$? -eq 2 ] && [ -d runs/make-run ] && $(QUICKSTART) --overwrite; }

setup: .venv/.installed-all

test: setup
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: setup
	$(BIN)/python -m tools.mutate $(MUTATED)
	$(BIN)/python -m tools.write_docs

notebooks: setup
	$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py

replicate: .venv/.installed
	$(BIN)/python benchmarks/sources.py
	$(BIN)/python -m tools.write_docs

reader: .venv/.installed-all
	[ -f runs/reader-digits.npz ] || $(BIN)/python -m tools.reader_digits runs/reader-digits.npz
	$(BIN)/inkfast compare recipes/flagship.toml --data runs/reader-digits.npz --seeds 3 \
	  --executor local:2 --resume
	$(BIN)/inkfast export runs/flagship --max-error 0.015 \
	  --to src/inkfast/inference/shipped/reader.onnx --overwrite
	$(BIN)/python benchmarks/reader.py
	$(BIN)/python benchmarks/drift.py
	$(BIN)/python benchmarks/normalization.py
	$(BIN)/python benchmarks/lab_curves.py
	$(BIN)/python -m tools.write_docs

numbers: .venv/.installed-all
	for part in number-reader number-reader-2 number-reader-3 number-reader-4 number-reader-5; do \
	  $(BIN)/inkfast train recipes/$$part.toml --executor local:2 --resume || exit; \
	done
	$(BIN)/inkfast export runs/number-reader-5 --max-error 0.05 \
	  --to src/inkfast/inference/shipped/numbers/number-reader.onnx --overwrite

finder: .venv/.installed-all
	$(BIN)/python -m tools.train_finder

recipes: .venv/.installed
	$(BIN)/python benchmarks/recipes.py
	$(BIN)/python benchmarks/noisy_mnist.py
	$(BIN)/python -m tools.write_docs

handwriting: .benchmarks-venv/.installed
	$(BENCH)/handwriting.py --data $(or $(DATA),$(error handwriting needs DATA=FOLDER))
	.benchmarks-venv/bin/python -m tools.write_docs

bench: .benchmarks-venv/.installed .venv/.installed-all
	$(BENCH)/reader.py
	$(BENCH)/time_to_99.py
	$(BENCH)/time_to_99.py 99.5
	$(BENCH)/noise_throughput.py
	$(BENCH)/training_rate.py
	$(BENCH)/growth.py
	$(BENCH)/help_seconds.py
	$(BENCH)/pages.py
	$(BENCH)/predict_throughput.py
	$(BENCH)/predict_throughput.py --kind npz --rows 1000000 --turns 1
	$(BENCH)/serve_load.py
	$(BENCH)/abuse.py
	$(BIN)/python benchmarks/review.py
	.benchmarks-venv/bin/python -m tools.write_docs

.benchmarks-venv/.installed: benchmarks/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv .benchmarks-venv
	.benchmarks-venv/bin/pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[train,serve]' -r benchmarks/requirements.txt
	@# the same files as the build with a display, which RapidOCR asks for, but without libGL
	.benchmarks-venv/bin/pip install --quiet --disable-pip-version-check \
	  --force-reinstall --no-deps opencv-python-headless
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "inkfast needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing inkfast into .venv (about 1.3 GB; a minute or two)"
	$(PIP) --editable '.[train]'
	@touch $@

.venv/.installed-all: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing inkfast with its tests and linters into .venv (about 1.5 GB)"
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/.installed

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
