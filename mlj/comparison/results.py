"""Results on disk: written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlj.comparison.summary import FORMAT
from mlj.storage import write_file


def write_results(results: dict[str, Any], path: Path) -> None:
    """Write results as JSON; an error on the way leaves what was there before.

    Raises:
        OSError: If the folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(results, allow_nan=False).encode())


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
