"""The demo app's words: every string in every language, none missing and none idle; its types, and who knows of kinds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import edge
from zoo import outputs

APP = Path(edge.__file__).parent / "app"
LANGUAGES = ("en", "de")
ENTRY = re.compile(r"^  (\w+): '((?:[^'\\]|\\.)*)',$", re.MULTILINE)


def words(language: str) -> dict[str, str]:
    source = (APP / "src" / "page" / "words" / f"{language}.ts").read_text()
    found = ENTRY.findall(source)
    assert len(found) == len(dict(found)) > 100
    assert len(found) == source.count("\n  "), "every line is an entry"
    return dict(found)


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    return words("en")


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_string_is_in_every_language(english: dict[str, str], language: str) -> None:
    other = words(language)
    assert list(other) == list(english)
    for key, text in other.items():
        assert text.strip()
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), key
    alike = {key for key, text in other.items() if text == english[key]}
    # What is the same word in German; a string forgotten in translation would come to this list.
    assert alike <= {"promise", "name", "threads", "classification", "camera"}, alike


def test_markup_asks_for_no_word_that_is_not_there(english: dict[str, str]) -> None:
    asked = re.findall(r'data-word(?:-label)?="(\w+)"', (APP / "static" / "index.html").read_text())
    assert len(asked) > 40 and set(asked) <= set(english)


def test_no_word_is_idle(english: dict[str, str]) -> None:
    sources = [path.read_text() for path in (APP / "src").rglob("*.ts") if path.name not in ("en.ts", "de.ts")]
    used = set(re.findall(r"""['"](\w+)['"]""", "\n".join([*sources, (APP / "static" / "index.html").read_text()])))
    idle = set(english) - used
    assert not idle


NO_KINDS = ("guess.ts", "index.ts", "kind.ts", "kinds.d.ts")
KINDS = sorted(path for path in (APP / "src" / "outputs").glob("*.ts") if path.name not in NO_KINDS)
KIND_ENTRY = re.compile(r"^    (\w+): '((?:[^'\\]|\\.)*)',$", re.MULTILINE)


def kind_words(path: Path) -> dict[str, dict[str, str]]:
    """What a kind brings in words, by language; a kind that shares another one's words has none."""
    source = path.read_text()
    found = re.search(r"^const WORDS = \{\n(.*?)^\};$", source, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^  (\w+): \{\n(.*?)^  \},$", found.group(1), re.MULTILINE | re.DOTALL) if found else []
    for _, block in blocks:
        assert len(KIND_ENTRY.findall(block)) == block.count("\n"), "every line is an entry"
    return {language: dict(KIND_ENTRY.findall(block)) for language, block in blocks}


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_every_kind_speaks_every_language(path: Path) -> None:
    languages = kind_words(path)
    if not languages:
        assert "from './class_map'" in path.read_text(), "it says what class maps say"
        return
    assert tuple(languages) == LANGUAGES
    english, *others = languages.values()
    used = set(re.findall(r"'(\w+)'", re.sub(r"^const WORDS = .*?^\};$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)))
    assert set(english) <= used, "no word is idle"
    for other in others:
        assert list(other) == list(english)
        for key, text in other.items():
            assert text.strip() and text != english[key], key
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), key


def test_apps_kinds_are_pythons() -> None:
    """A file a kind, of the same name on both sides; Python may know more of them."""
    assert {path.stem for path in KINDS} <= set(outputs.names())
    for path in KINDS:
        assert f"const NAME = '{path.stem}';" in path.read_text()


def test_nothing_outside_outputs_names_a_kind_or_a_task() -> None:
    """But for the reader of format 1, which named a task; so that a new kind is a new file and no more."""
    names = {*outputs.names(), "segmentation", "classification", "saliency", "flow", "optical_flow", "restoration"}
    quoted = re.compile("|".join(rf"['\"`]{name}['\"`]" for name in sorted(names)), re.IGNORECASE)
    spoken = re.compile(r"segment(?!s\b)|classif|optical|vector_?field|class_?(map|scores)", re.IGNORECASE)
    allowed = {APP / "src" / "model" / "format1.ts"}
    hits = [
        f"{path.relative_to(APP)}: {line.strip()}"
        for path in [*(APP / "src").rglob("*.ts"), APP / "static" / "index.html"]
        if path.parent.name != "outputs" and path not in allowed
        for line in path.read_text().splitlines()
        if not line.startswith("//")  # a paper may be called what it is about
        if quoted.search(line.replace("'image'", "")) or spoken.search(line)
    ]
    assert hits == []


def test_markup_has_no_text_of_its_own() -> None:
    """Only names and units may stand in the markup: all else would stay English."""
    body = (APP / "static" / "index.html").read_text().split("<body>")[1]
    texts = {text.strip() for text in re.findall(r">([^<>]+)<", body)}
    assert texts - {""} <= {"densezoo", "WebGPU", "WebAssembly", "–"}


TSC = APP / "node_modules" / ".bin" / "tsc"


@pytest.mark.skipif(not TSC.exists() or shutil.which("node") is None, reason="run `npm ci` in edge/app")
def test_types() -> None:
    done = subprocess.run([TSC, "--noEmit", "-p", APP], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
