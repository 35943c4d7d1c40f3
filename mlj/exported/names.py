"""What the files of an exported model are called, by those who write and those who read them."""

from __future__ import annotations

from importlib.util import find_spec

FORMAT = "mlj-export-1"
PROGRAM = "model.jaxexport"
"""The program, as ``jax.export`` serialises it."""
FACTS = "export.json"
"""What the program takes and gives."""
MODEL = "model.json"
"""What the saved model said of itself: names of labels and features, rule, sizes."""
ARRAYS = "params.safetensors"
"""The parameters."""
README = "README.txt"


def check_flatbuffers() -> None:
    """Raise ``ValueError`` unless the package is there that ``jax.export`` reads and writes programs with."""
    if find_spec("flatbuffers") is None:
        raise ValueError("an exported model needs the package flatbuffers: pip install flatbuffers")
