"""Results on disk: written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mlj.comparison.summary import FORMAT


def write_results(results: dict[str, Any], path: Path) -> None:
    """Write results as JSON; an error on the way leaves what was there before.

    Raises:
        OSError: If the folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(results, allow_nan=False), encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_results(path: Path) -> dict[str, Any]:
    """Read what :func:`write_results` wrote.

    Raises:
        ValueError: If the file is not JSON or not results of a comparison in this format.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a results file: {error}") from error
    if not isinstance(results, dict) or results.get("format") != FORMAT:
        came = results.get("format") if isinstance(results, dict) else type(results).__name__
        raise ValueError(f"{path}: wanted format {FORMAT!r}, got {came!r}")
    return results
