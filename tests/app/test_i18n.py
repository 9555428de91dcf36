"""The demo app's words: every string in every language, none missing and none idle; and its types."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import edge

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
