"""Labels as lists of the present ones, for label spaces in which multi-hot rows are nearly all zeros.

Lists ``[..., P]`` are what is stored, shuffled and sent to the device; the multi-hot form exists inside the
compiled step only, with one byte for each label.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from mlj.types import Array, Logits, LossFn, PerSample


@partial(jax.jit, static_argnames="size")
def labels_from_indices(indices: Array, size: int) -> tuple[Array, Array]:
    """Return multi-hot labels of lists of present labels, and which lists name something else.

    Args:
        indices: Numbers of the present labels ``[..., P]``, integers from 0 to ``size - 1``, padded with
            ``size`` or -1. Their order, and how often one occurs, make no difference.
        size: The number of labels L.

    Returns:
        The labels, bool ``[..., L]``; and bool ``[...]``, True where a number is neither a label nor padding.

    Raises:
        TypeError: If ``indices`` are not integers.
        ValueError: If they have no list axis.

    >>> labels, misnamed = labels_from_indices(jnp.array([[0, 2, 3], [1, 7, 3]]), 3)
    >>> labels.astype(int).tolist(), misnamed.tolist()
    ([[1, 0, 1], [0, 1, 0]], [False, True])
    """
    indices = jnp.asarray(indices)
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        raise TypeError(f"labels_from_indices: indices must be integers, got {indices.dtype}")
    if indices.ndim == 0:
        raise ValueError("labels_from_indices: indices must be lists [..., P], got a single number")
    indices = indices.astype(jnp.promote_types(indices.dtype, jnp.int32))
    named = (indices >= 0) & (indices < size)
    # One more column takes whatever names no label, so that nothing wraps around from the end.
    spare = jnp.zeros((*indices.shape[:-1], size + 1), bool)
    marked = jnp.put_along_axis(spare, jnp.where(named, indices, size), True, axis=-1, inplace=False)
    return marked[..., :size], jnp.any(~named & (indices != -1) & (indices != size), axis=-1)


def from_indices(loss_fn: LossFn) -> Callable[..., PerSample]:
    """Turn a loss of multi-hot labels into the same loss of padded lists of present labels.

    The new loss is ``loss(logits [..., L], indices [..., P], **keywords) -> [...]`` with the keywords of the
    old one; ``weights`` and ``where`` stay ``[..., L]``. A loss that takes ``max_present`` is told that it is
    at most P, which spares it the search. Cost and slope are those of the multi-hot form.

    Args:
        loss_fn: A loss as in :mod:`mlj.losses` that reads multi-hot labels, hyper-parameters bound or not.

    Returns:
        A pure function. Lists are padded with L or -1; a sample whose list has any other number that is no
        label costs NaN.

    Raises:
        TypeError: When called, if ``indices`` are not integers.
        ValueError: When called, if leading axes disagree.

    >>> from mlj.losses import sigmoid_cross_entropy
    >>> cost = from_indices(sigmoid_cross_entropy)(jnp.array([-3.0, 9.0, 0.0]), jnp.array([1, 3, 3]))
    >>> round(cost.item(), 4)
    0.2473
    """
    bound = inspect.signature(loss_fn).parameters.get("max_present")
    asks = bound is not None and bound.default is None

    def loss_of_indices(logits: Logits, indices: Array, **keywords: object) -> PerSample:
        shape, listed = jnp.shape(logits), jnp.shape(indices)
        if not shape or not listed or listed[:-1] != shape[:-1]:
            raise ValueError(
                f"from_indices: indices {list(listed)} must be [..., P] with the leading axes of "
                f"logits {list(shape)}"
            )
        if asks and listed[-1] > 0:
            keywords = {"max_present": listed[-1], **keywords}
        labels, misnamed = labels_from_indices(indices, shape[-1])
        # A factor, not a choice, so that the slope is not a number either.
        return loss_fn(logits, labels, **keywords) * jnp.where(misnamed, jnp.nan, 1)

    return loss_of_indices
