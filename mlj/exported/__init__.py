"""An exported model, used without the code that it was built from.

``mlj export RUN`` writes the whole way from raw features to the decided labels as one program for CPU, CUDA
and TPU. Here it is loaded and asked. That takes JAX, NumPy, SciPy and flatbuffers, and neither the network
nor the decision of the model in Python: the program is all there is.

The folder is checked to the last bit by its manifest before anything in it is looked at, nothing is
unpickled, and a program that calls out of XLA is refused. A manifest tells damage, not intent: whoever can
write the folder can write a new manifest, so take models only from whom you would take numbers.
"""

from mlj.exported.load import Exported as Exported, Judged as Judged, load_exported as load_exported
