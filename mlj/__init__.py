"""Multi-label learning in JAX.

Nothing is imported here: ``from mlj import losses`` loads JAX and the losses, and no more.
"""

__version__ = "0.1.0"
