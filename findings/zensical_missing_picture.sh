#!/usr/bin/env bash
# zensical build --strict lets a missing picture pass
#
# Tool:     zensical 0.0.73; MkDocs 1.6.1 beside it. Date: 2026-11-28.
# Expected: --strict aborts on ![figure](missing.png), as it does on [page](missing.md), and as mkdocs build --strict does
#           on the same page.
# Seen:     "No issues found", exit status 0, and a page with a hole. The missing page is refused.
# Matters:  a documentation of dense prediction is pictures: masks, depth maps, before and after. Who moves from MkDocs
#           to its successor loses this check without a word: test the built pages' <img> for files that exist.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: zensical==0.0.73 mkdocs==1.6.1

cat >"$folder/program.py" <<'END'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

BINARIES, FOLDER = Path(sys.executable).parent, Path(sys.argv[1])
PAGES = {"missing picture": "![figure](missing.png)", "missing page": "[page](missing.md)", "neither": "words"}


def status(tool: str, name: str, line: str) -> int:
    """The exit status of a strict build of one page."""
    site = FOLDER / tool / name.replace(" ", "_")
    (site / "docs").mkdir(parents=True)
    (site / "mkdocs.yml").write_text("site_name: Pictures\n")
    (site / "docs" / "index.md").write_text(f"# Pictures\n\n{line}\n")
    return subprocess.run([BINARIES / tool, "build", "--strict"], cwd=site, capture_output=True).returncode


print(f"zensical {version('zensical')}, mkdocs {version('mkdocs')}")
statuses = {}
for name, line in PAGES.items():
    statuses[name] = status("mkdocs", name, line), status("zensical", name, line)
    expected = "0" if name == "neither" else "not 0"
    print(f"{name}: expected exit status {expected}; mkdocs {statuses[name][0]}, zensical {statuses[name][1]}")
if statuses != {"missing picture": (1, 0), "missing page": (1, 1), "neither": (0, 0)}:
    sys.exit("changed: another build passes or fails")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder"
