"""Arrays as bytes, in the safetensors format, and back without a changed bit."""

from __future__ import annotations

from collections.abc import Mapping

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from mlj.storage.plain_json import unpack_json

DTYPES = {
    "BOOL": np.dtype(bool),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "I32": np.dtype(np.int32),
    "I64": np.dtype(np.int64),
    "U8": np.dtype(np.uint8),
    "U16": np.dtype(np.uint16),
    "U32": np.dtype(np.uint32),
    "U64": np.dtype(np.uint64),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
}
"""The dtypes that are stored, by the format's names for them."""


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as one safetensors file, always the same bytes for the same arrays.

    Args:
        arrays: Arrays of any shape (also without axes or elements) by name; bool, integers, floats, bfloat16.

    Returns:
        The content of the file. Byte order and memory layout are not kept; values are, NaNs to their last
        bit.

    Raises:
        TypeError: If an array has another dtype.
        ValueError: If a name is ``__metadata__``, which the format keeps for itself.

    >>> content = pack_arrays({"bias": np.zeros(3, np.float32), "step": np.array(7)})
    >>> {name: array.tolist() for name, array in unpack_arrays(content).items()}
    {'bias': [0.0, 0.0, 0.0], 'step': 7}
    """
    packed = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        dtype = array.dtype.newbyteorder("=")
        if dtype not in DTYPES.values():
            wanted = ", ".join(str(each) for each in DTYPES.values())
            raise TypeError(f"the array {name!r} has dtype {array.dtype}; wanted one of {wanted}")
        if name == "__metadata__":
            raise ValueError(
                "an array cannot be named '__metadata__': safetensors keeps that name for itself"
            )
        packed[name] = array.astype(dtype, copy=False)
    return safetensors.numpy.save(packed)


def unpack_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, by name in sorted order.

    Args:
        content: The content of the file.

    Returns:
        The arrays, each with its own memory.

    Raises:
        ValueError: If the content is not such a file, its header lies, or it holds another dtype.

    >>> unpack_arrays(b"\\x80\\x04K\\x01.")
    Traceback (most recent call last):
        ...
    ValueError: not a safetensors file: Error while deserializing: header too small
    """
    try:
        stored = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"not a safetensors file: {error}") from error
    # The library takes the last of two arrays of one name; other readers take the first.
    unpack_json(content[8 : 8 + int.from_bytes(content[:8], "little")])
    arrays = {}
    for name, tensor in sorted(stored, key=lambda pair: pair[0]):
        if (dtype := DTYPES.get(tensor["dtype"])) is None:
            raise ValueError(
                f"the array {name!r} has dtype {tensor['dtype']}; wanted one of {', '.join(DTYPES)}"
            )
        # A bool of any other byte than 0 and 1 is both true and unequal to True.
        if dtype.kind == "b" and np.any(np.frombuffer(tensor["data"], np.uint8) > 1):
            raise ValueError(f"the array {name!r} is bool and holds bytes other than 0 and 1")
        arrays[name] = np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
    return arrays
