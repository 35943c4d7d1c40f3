"""Deciding several multi-class questions about one sample."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape, is_bool
from mlj.types import Array, Logits, Mask


@jax.jit
def argmax_classes(logits: Logits, *, class_where: Mask | None = None) -> Array:
    """Choose the class of largest logit in each head; of equal ones the first.

    After :func:`mlj.losses.multi_output_cross_entropy` it is the most probable combination of classes, since
    heads are independent given the sample, and the most probable class of each head.

    Args:
        logits: Scores ``[..., H, C]``.
        class_where: Bool ``[H, C]``, True for the classes that a head has, at least one; the others are never
            chosen. A class whose logit is NaN is chosen only where all are.

    Returns:
        Class numbers ``[..., H]``, int32.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``class_where`` is not bool.
        ValueError: If shapes do not fit.

    >>> argmax_classes(jnp.array([[0.0, 1.0, 9.0]]), class_where=jnp.array([[True, True, False]])).tolist()
    [1]
    """
    logits = as_logits("argmax_classes", logits)
    if logits.ndim < 2 or 0 in logits.shape[-2:]:
        raise ValueError(f"argmax_classes: logits must be [..., H, C], got {list(logits.shape)}")
    is_bool("argmax_classes", "class_where", class_where)
    known = jnp.ones(logits.shape[-2:], bool)
    if class_where is not None:
        has_shape("argmax_classes", "class_where", class_where, logits.shape[-2:])
        known = jnp.asarray(class_where)
    known = jnp.broadcast_to(known, logits.shape)
    # A class that the head has wins against those it has not, even with -inf or NaN.
    order = jnp.where(jnp.isnan(logits), -jnp.inf, jnp.maximum(logits, jnp.finfo(logits.dtype).min))
    best = jnp.max(jnp.where(known, order, -jnp.inf), axis=-1, keepdims=True)
    return jnp.argmax(known & (order == best), axis=-1).astype(jnp.int32)
