"""Files that are whole or not there, and that say so when a bit of them has changed.

Everything here may be killed, or lose its power, at any moment: what was there before stays until what is
new is on the disk, complete. What is read is checked by size and sha256 first, and nothing that is read is
ever run.

>>> import pathlib, tempfile
>>> import numpy as np
>>> run = output_folder(tempfile.mkdtemp(), "yeast-zlpr")
>>> with RunLock(run):
...     checkpoints = Checkpoints(run / "checkpoints")
...     for step in (1, 2):
...         path = checkpoints.save(step, {"weights": np.full(4, step, np.float32)}, {"loss": 1 / step})

Let one byte of the newest state rot:

>>> file = path / "arrays.safetensors"
>>> _ = file.write_bytes(file.read_bytes()[:-1] + b"?")

Then the state before it comes back, and the reason with it:

>>> state = checkpoints.restore()
>>> state.step, state.arrays["weights"].tolist(), state.facts
(1, [1.0, 1.0, 1.0, 1.0], {'loss': 1.0})
>>> [reason.split("checkpoints/")[1] for reason in state.rejected]
['step-000000000002/arrays.safetensors does not have the sha256 that its manifest names']

:func:`write_file` and :func:`write_folder` do the same for a single file and for a folder, such as a model
with its options; :func:`pack_arrays` and :func:`pack_json` turn values into the bytes to put there.
:func:`new_file` and :func:`new_folder` are for what is too large to be held in memory.
"""

from mlj.storage.arrays import pack_arrays as pack_arrays, unpack_arrays as unpack_arrays
from mlj.storage.atomic import new_file as new_file, write_file as write_file
from mlj.storage.checkpoints import Checkpoint as Checkpoint, Checkpoints as Checkpoints
from mlj.storage.errors import Damaged as Damaged
from mlj.storage.folder import (
    new_folder as new_folder,
    read_folder as read_folder,
    write_folder as write_folder,
)
from mlj.storage.lock import RunLock as RunLock, RunLocked as RunLocked
from mlj.storage.names import output_folder as output_folder
from mlj.storage.plain_json import pack_json as pack_json, unpack_json as unpack_json
