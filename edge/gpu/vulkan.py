"""Finds a Vulkan driver for LiteRT's GPU accelerator, and the environment that a process needs to use it.

A hardware driver where the machine has one, else Chromium's software Vulkan (SwiftShader). Mesa's lavapipe does not do:
it lacks shader features that the accelerator asks for. The environment has to be set before the process starts, because
the dynamic linker reads LD_LIBRARY_PATH once; so all GPU work happens in a child process (edge.gpu.remote).

DENSEZOO_VULKAN chooses: "software", "none", or the path of an ICD file. VK_ICD_FILENAMES or VK_DRIVER_FILES that are
set already are respected.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_ICD_FOLDERS = (
    "/usr/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/usr/local/etc/vulkan/icd.d",
)
_CHROMIUM_FOLDERS = (
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/usr/lib64/chromium",
    "/usr/lib64/chromium-browser",
    "/opt/google/chrome",
    "/opt/google/chrome-beta",
    "/opt/microsoft/msedge",
    "/opt/brave.com/brave",
    "/snap/chromium/current/usr/lib/chromium-browser",
)
_SOFTWARE = ("lvp_icd", "vk_swiftshader", "libVkICD_mock")  # file names that no hardware stands behind
# Mesa installs an ICD file for every maker's GPU; a device node tells whether any of them is there.
_DEVICES = ("/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/mali*", "/dev/kgsl-3d0", "/dev/dxg")
HOW_TO = "install Debian's chromium (its software Vulkan will do) or the GPU's own Vulkan driver"


@dataclass(frozen=True)
class Driver:
    """`kind` is "hardware", "software" or "chosen" (by a variable); `icd` the driver's description file."""

    kind: str
    icd: str
    libraries: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables of this process, with what a child needs to load this driver."""
        variables = dict(os.environ)
        if self.icd:
            variables["VK_ICD_FILENAMES"] = variables["VK_DRIVER_FILES"] = self.icd
        if self.libraries:
            paths = [self.libraries, variables.get("LD_LIBRARY_PATH", "")]
            variables["LD_LIBRARY_PATH"] = os.pathsep.join(path for path in paths if path)
        return variables


def driver() -> Driver | None:
    """The driver to use, or None where there is none (then `HOW_TO` says what to install)."""
    choice = os.environ.get("DENSEZOO_VULKAN", "")
    if choice == "none":
        return None
    if choice == "software":
        return _software()
    if choice:
        return _from_file(choice)
    for variable in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        if os.environ.get(variable):
            return _from_file(os.environ[variable])
    if sys.platform in ("darwin", "win32"):
        return Driver("hardware", "")  # Metal and Direct3D come with the system
    return _hardware() or _software()


def _from_file(files: str) -> Driver | None:
    first = Path(files.split(os.pathsep)[0])
    return Driver("chosen", files, _loader_beside(first)) if first.is_file() else None


def _loader_beside(icd: Path) -> str | None:
    """The folder of the Vulkan loader that ships with a driver, as Chromium's does."""
    return str(icd.parent) if (icd.parent / "libvulkan.so.1").is_file() else None


def _hardware() -> Driver | None:
    if not any(any(Path("/").glob(pattern.lstrip("/"))) for pattern in _DEVICES):
        return None
    manifests = [
        icd
        for folder in _ICD_FOLDERS
        for icd in sorted(Path(folder).glob("*.json"))
        if not icd.name.startswith(_SOFTWARE)
    ]
    if not manifests or not ctypes.util.find_library("vulkan"):
        return None
    return Driver("hardware", os.pathsep.join(map(str, manifests)))


def _software() -> Driver | None:
    for folder in _CHROMIUM_FOLDERS:
        icd = Path(folder) / "vk_swiftshader_icd.json"
        if icd.is_file():
            return Driver("software", str(icd), _loader_beside(icd))
    return None
