# make demo: set everything up and run the main job.  make test: set everything up and run the tests.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
OUT    ?= quickstart
JOBS   ?= 3

.PHONY: demo test app cards readme docs dist dist-check chromium lint constraints clean

demo: $(VENV)/.all app
	$(BIN)/zoo quickstart --out $(OUT)

test: $(VENV)/.test chromium app lint
	TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .

# The exact versions that CI passes with are in constraints.txt; the ranges that were tried are in setup.cfg.
$(VENV)/.all $(VENV)/.test: $(VENV)/.%: setup.cfg constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "densezoo needs Python 3.11 or later; say make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# The demo app: TypeScript and LiteRT's WebAssembly, bundled by npm into edge/app/dist.
app: edge/app/dist/index.html
edge/app/dist/index.html: $(shell find edge/app/src edge/app/static -type f 2>/dev/null) edge/app/package-lock.json
	cd edge/app && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	touch $@

# The browser of the app's tests, and the software Vulkan that stands in for a phone's GPU.
chromium:
	@command -v chromium >/dev/null || { sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium; }

# Every network's figures, counted anew; run it after a change to an architecture.
cards: $(VENV)/.all
	$(BIN)/zoo card --all --out zoo/analysis/model_cards.csv

# README's tables, the generated pages of docs/ and the notebooks; a test says when they are out of date.
readme: $(VENV)/.test
	$(BIN)/python -m publishing.pages

# The documentation, into site/; a dead link fails.
docs: readme
	$(BIN)/zensical build --strict --clean
	$(BIN)/python -m publishing.links site

# Wheel and source distribution, the app inside, into dist/; and installed where nothing else is, as a user would.
dist: $(VENV)/.test app
	$(BIN)/python -m publishing.distribution --out dist
dist-check: $(VENV)/.test app
	$(BIN)/python -m publishing.distribution --out dist --check

constraints: $(VENV)/.test
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

clean:
	rm -rf $(VENV) build dist site .cache *.egg-info edge/app/dist edge/app/node_modules
