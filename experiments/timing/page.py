"""The page of all benchmarks: one section for each file that measures, replaced when it measures again."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "benchmarks.md"
TITLE = """# Benchmarks

Each section is written by the file that it names, in one run. Ratios above 1 are in our favour.
"""


def machine(*packages: str) -> str:
    """Return what the figures depend on: processor, load, and the versions of packages that are installed."""
    versions = []
    for package in ("jax", "jaxlib", "numpy", *packages):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{', '.join(versions)}; load average at the end {load}."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.*)", info.read_text()) if info.exists() else []
    return names[0] if names else platform.machine()


def write_section(heading: str, body: str, page: Path = PAGE, title: str = TITLE) -> None:
    """Replace the section ``## heading`` of the page, or append it; a new page starts with ``title``."""
    text = page.read_text(encoding="utf-8") if page.exists() else title
    top, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    new = f"## {heading}\n\n{body.strip()}\n"
    kept = [section.strip() + "\n" for section in sections if not section.startswith(f"## {heading}\n")]
    page.write_text("\n".join([top.strip() + "\n", *sorted([*kept, new])]), encoding="utf-8")
