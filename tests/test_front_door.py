"""What readers see: README and docs/ are of today, every public name is documented, no link is dead, the wheel is whole."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from app_visit import AXE, CHROMIUM, QUIET, Visit, check_accessible

from edge.hosting.site import DIST
from publishing import api, distribution, guides, links, pages
from zoo.analysis import installation
from zoo.cli import app
from zoo.cli.doctor import NEEDS
from zoo.outputs import InputSpec, OutputSpec
from zoo.pretrained import catalog

ROOT = Path(__file__).parents[1]
PAGES = ("networks", "api/converters", "guides/quantize", "results/person")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """The address of a server of a folder's files."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_is_generated_is_of_today() -> None:
    pytest.importorskip("jupytext", reason="notebooks are made by jupytext, of the extra docs")
    stale = [str(path.relative_to(ROOT)) for path in pages.out_of_date(notebooks=True)]
    assert not stale, f"run `make readme`: {stale}"


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 100


def test_the_readmes_links_lead_somewhere() -> None:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", README)]
    assert len(targets) > 12
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_the_readmes_code_names_what_there_is() -> None:
    """Every line of Python parses, and every attribute of the packages that it names is public."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        compile(block, "README.md", "exec")
    public = {name.public for package in api.PACKAGES for name in api.public_names(package)}
    mentioned = set(re.findall(r"\b(?:zoo|converters|edge)\.[A-Za-z_.]*[A-Za-z_]", "\n".join(blocks)))
    assert mentioned - public - {"zoo.data", "zoo.data.image_files", "zoo.pretrained"} == set()


@pytest.mark.parametrize("package", api.PACKAGES)
def test_every_public_name_is_documented(package: str) -> None:
    names = api.public_names(package)
    assert names
    page = (ROOT / "docs" / "api" / f"{package}.md").read_text(encoding="utf-8")
    assert [name.public for name in names if f'heading: "{name.public}"' not in page] == []
    values = {"zoo.data.SPECS", "zoo.pretrained.catalog.FOLDER", "converters.RECIPES"}  # no functions, no classes
    assert {name.public for name in names if not name.docstring} <= values


def test_public_names_are_those_of_the_packages() -> None:
    """What is read from the sources is what Python gives."""
    import converters
    import edge
    import zoo

    for package in (zoo, converters, edge):
        expected = {f"{package.__name__}.{name}" for name in package.__all__}
        assert {name.public for name in api.public_names(package.__name__)} == expected


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built once."""
    pytest.importorskip("zensical", reason="the site is built by Zensical, of the extra docs")
    folder = tmp_path_factory.mktemp("site")
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for here in ("paths: [.]", "extensions: [publishing/"):
        assert here in configuration
        name, place = here.split("[")
        configuration = configuration.replace(here, f"{name}[{ROOT}/{place}")
    (folder / "mkdocs.yml").write_text(configuration, encoding="utf-8")
    shutil.copytree(ROOT / "docs", folder / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", "mkdocs.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_the_site_is_whole_and_no_link_is_dead(site: Path) -> None:
    assert list(links.faults(site)) == []
    for page in PAGES:
        assert (site / page / "index.html").is_file()
    reference = (site / "api" / "converters" / "index.html").read_text(encoding="utf-8")
    assert "Writes a model as a self-describing" in reference and "&gt;&gt;&gt;" in reference


@pytest.mark.skipif(CHROMIUM is None or not AXE.is_file(), reason="needs Debian's chromium, and axe-core of edge/app")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_site(site: Path, scheme: str) -> None:
    """On a phone's width, a page of each sort: nothing serious for axe-core, no sideways scrolling."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    with playwright.sync_playwright() as driver, serve_folder(site) as url:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        opened = Visit(browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 844}))
        for page in ("", "networks", "guides/quantize"):
            opened.page.goto(f"{url}/{page}")
            check_accessible(opened)


def test_dead_links_are_seen(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "index.html").write_text('<h1 id="top">There</h1>')
    (tmp_path / "index.html").write_text(
        '<a href="there/#top">1</a><a href="there/#bottom">2</a><a href="nowhere/">3</a><a href="https://x.org">4</a>'
        '<img src="gone.png" alt="a picture"><img src="there/">'
    )
    assert list(links.faults(tmp_path)) == [
        "index.html: the picture there/ has no alt text",
        "index.html: there/#bottom has no such anchor",
        "index.html: nowhere/ leads nowhere",
        "index.html: gone.png leads nowhere",
    ]


def test_a_script_is_cut_into_cells() -> None:
    cells = guides.cells("# %% [markdown]\n# # Title\n#\n# Prose.\n\n# %%\nx = 1  # %% no cell\n")
    assert cells == [guides.Cell("# Title\n\nProse.", True), guides.Cell("x = 1  # %% no cell", False)]


@pytest.mark.parametrize("name", guides.names())
def test_notebooks_are_the_scripts(name: str) -> None:
    """Every line of code of a script is in its notebook, in order."""
    book = json.loads((ROOT / "docs" / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    script = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert code == [cell.text for cell in guides.cells(script) if not cell.prose]
    assert name in (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), "a guide that the site's menu does not show"


@pytest.mark.skipif(not (DIST / "index.html").is_file(), reason="the demo app is not built: run `make app`")
def test_wheel_and_source_distribution_are_whole(tmp_path: Path) -> None:
    pytest.importorskip("build", reason="they are built by build, of the extra test")
    wheel = distribution.build(tmp_path, light=True)
    assert distribution.contents(wheel) == []
    (sdist,) = tmp_path.glob("*.tar.gz")
    assert {"README.md", "CHANGELOG.md", "CITATION.cff", "edge/app/dist/index.html"} <= set(distribution.source_names(sdist))


def test_the_formats_page_names_every_key() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    card = json.loads((catalog.FOLDER / "unet_lite.ccp" / catalog.CARD).read_text(encoding="utf-8"))
    specs = {**InputSpec().to_dict(), **OutputSpec("class_scores", channels=1).to_dict()}
    keys = {*card, *card["measured"][0], *card["files"]["int8"], *specs}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_version_changelog_and_citation_agree() -> None:
    import zoo

    assert f"## {zoo.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {zoo.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_requirements_are_read() -> None:
    parsed = installation.parsed
    assert parsed("numpy>=2.0") == installation.Requirement("numpy", (), "")
    assert parsed('keras<3.16,>=3.15; extra == "train"') == installation.Requirement("keras", (), "train")
    assert parsed("densezoo[convert,app]; extra == 'all'") == installation.Requirement("densezoo", ("convert", "app"), "all")
    demands = [parsed('nobody-has-this; extra == "inner"'), parsed('densezoo[inner]; extra == "outer"'), parsed("numpy")]
    assert installation.missing("outer", demands) == ["nobody-has-this"]
    assert installation.missing("", demands) == []


def test_keras_starts_on_a_backend_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # afterwards it is as it was
    installation.choose_backend()
    assert os.environ["KERAS_BACKEND"] == "torch"
    monkeypatch.setattr(installation, "_configured", lambda: "tensorflow")
    for there, expected in ((("tensorflow", "jax"), None), (("jax", "torch"), "jax"), ((), None)):
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setattr(installation, "_is_there", there.__contains__)
        installation.choose_backend()
        assert os.environ.get("KERAS_BACKEND") == expected
    lines = [f"{name}; extra == '{extra}'" for name in ("torch", "tensorflow") for extra in ("some", name)]
    demands = list(map(installation.parsed, lines))
    monkeypatch.setattr(installation, "version", lambda name: None)
    monkeypatch.setattr(installation, "_is_there", "jax".__eq__)
    assert installation.missing("some", demands) == [] and installation.missing("tensorflow", demands) == ["tensorflow"]


def test_the_doctor_knows_every_command() -> None:
    import typer

    named = {name.strip() for names in NEEDS for name in re.sub(r"\(.*?\)|--\w+", "", names).split(",")}
    commands = set(typer.main.get_command(app).commands) - {"doctor"}
    assert commands == named


def test_the_doctor_needs_the_core_alone() -> None:
    """Where nothing but the core is installed it says what is missing; so it may import no more than that."""
    code = """
import sys
from zoo.cli.doctor import doctor
doctor()
heavy = {"keras", "tensorflow", "ai_edge_litert", "flatbuffers", "matplotlib", "jax", "torch"} & set(sys.modules)
sys.exit(f"imports {heavy}" if heavy else 0)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Vulkan, for gpu-check" in done.stdout and "backend jax" in done.stdout
