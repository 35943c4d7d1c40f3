"""Laws about samples, masks, weights, dtypes and hyper-parameters."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np

from mlj.testing.case import LABELS, ROWS, Case, random_inputs, run

CLOSE = 1e-5
"""What reordering float32 sums may change, relative to the largest number of an array."""


def _same(found: object, wanted: object) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted)):
        size = max(float(np.max(np.abs(other), initial=0)), 1.0)
        np.testing.assert_allclose(one, other, rtol=CLOSE, atol=CLOSE * size)


def samples_do_not_meet(case: Case) -> None:
    """A sample alone, vmapped, in a batch and in a stack of batches costs the same.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = (jnp.asarray(array) for array in random_inputs(case))
    inputs, hyper = (logits, labels, case.extras(np.asarray(labels))), case.settings()[0]

    def loss(s: jax.Array, y: jax.Array, extras: dict[str, jax.Array]) -> jax.Array:
        return case.loss(s, y, **hyper, **extras)

    @jax.jit
    def every_way(inputs: tuple) -> tuple[jax.Array, ...]:
        stack = jax.tree.map(lambda array: array.reshape(4, ROWS // 4, *array.shape[1:]), inputs)
        first, last = (jax.tree.map(lambda array: array[row], inputs) for row in (0, -1))  # noqa: B023
        return loss(*inputs), jax.vmap(loss)(*inputs), loss(*stack), loss(*first), loss(*last)

    batch, vmapped, stacked, first, last = every_way(inputs)
    chex.assert_shape([batch, vmapped], (ROWS,))
    _same(vmapped, batch)
    _same(stacked, batch.reshape(4, -1))
    _same((first, last), (batch[0], batch[-1]))


def a_masked_label_is_a_deleted_label(case: Case) -> None:
    """Masking two labels of each sample gives the cost and slopes of the sample without them.

    What stands under the mask makes no difference: NaN, an infinity, a wild label or weight.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    rng = np.random.default_rng(2)
    order = rng.permuted(np.tile(np.arange(LABELS), (ROWS, 1)), axis=1)
    kept, gone = np.sort(order[:, :-2], axis=1), order[:, -2:]
    rows = np.arange(ROWS)[:, None]
    weights = rng.uniform(0.5, 2, (ROWS, LABELS))
    where = np.zeros((ROWS, LABELS), bool)
    where[rows, kept] = True
    dirty, wild, heavy = logits.copy(), labels.copy(), weights.copy()
    for rubbish, (at, label, weight) in enumerate(
        [(np.nan, 99, np.nan), (np.inf, 1, 0), (-np.inf, 0, np.inf), (3e38, 1, 1), (5.0, 0, 2)]
    ):
        some = rows[rubbish::5]
        dirty[some, gone[rubbish::5]] = at
        wild[some, gone[rubbish::5]] = label
        heavy[some, gone[rubbish::5]] = weight
    costs, slopes, others = run(case, dirty, wild, where=where, weights=heavy)
    everywhere = np.ones(kept.shape, bool)
    deleted = run(case, logits[rows, kept], labels[rows, kept], where=everywhere, weights=weights[rows, kept])
    _same((costs, slopes[rows, kept], others), deleted)
    np.testing.assert_array_equal(slopes[rows, gone], 0)


def nothing_observed_teaches_nothing(case: Case) -> None:
    """A sample without an observed label costs 0 and has slope 0, whatever its logits.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    for row, rubbish in enumerate((np.nan, np.inf, -np.inf)):
        logits[row] = rubbish
    nowhere = np.zeros(labels.shape, bool)
    chex.assert_trees_all_equal(
        *(
            jax.tree.map(op, run(case, logits, labels, where=nowhere, weights=np.ones(labels.shape)))
            for op in (np.asarray, np.zeros_like)
        )
    )


def label_order_does_not_matter(case: Case) -> None:
    """Permuting the labels permutes the slopes and changes no cost.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    order = np.array([3, 6, 0, 5, 1, 4, 2])
    costs, slopes, others = run(case, logits, labels)
    _same(run(case, logits[:, order], labels[:, order]), (costs, slopes[:, order], others))


def half_precision_is_upcast(case: Case, dtype: jnp.dtype = jnp.bfloat16) -> None:
    """Half-precision logits cost what the same numbers cost in float32; only the slope is rounded.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    logits = np.asarray(jnp.asarray(0.1 * logits, dtype))
    half, whole = run(case, logits, labels, dtype=dtype), run(case, logits.astype(np.float32), labels)
    chex.assert_type(half[0], jnp.float32)
    chex.assert_type(half[1], dtype)
    _same(half[0], whole[0])
    ulp = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(half[1].astype(np.float32), whole[1], rtol=ulp, atol=1e-6)


def weight_one_changes_nothing(case: Case) -> None:
    """All weights 1 and all labels observed is the same as neither argument.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    ones = np.ones(labels.shape)
    _same(run(case, logits, labels, weights=ones, where=ones > 0), run(case, logits, labels))


def weight_zero_takes_the_influence_of_a_label(case: Case) -> None:
    """The logit of a label of weight 0, even an infinite one, has slope 0 and changes no other slope or cost.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    logits, labels = random_inputs(case)
    rows, place = np.arange(ROWS), np.arange(ROWS) % LABELS
    weights, everywhere = np.ones(labels.shape), np.ones(labels.shape, bool)
    weights[rows, place] = 0
    moved = logits.copy()
    moved[rows, place] = np.resize([40.0, -40.0, np.inf, -np.inf], moved[rows, place].T.shape).T
    before, after = (run(case, s, labels, weights=weights, where=everywhere) for s in (logits, moved))
    np.testing.assert_array_equal(after[1][rows, place], 0)
    _same(after, before)


def hyper_parameters_are_traced(case: Case) -> None:
    """All settings of the hyper-parameters run in one compiled vmap, and give what they give alone.

    Raises:
        AssertionError: If the loss breaks the law.
    """
    settings = case.settings()
    if not case.hyper:
        return
    logits, labels = random_inputs(case)
    extras = case.extras(labels)

    def loss(hyper: dict[str, jax.Array]) -> jax.Array:
        return case.loss(jnp.asarray(logits), jnp.asarray(labels), **hyper, **extras)

    table = {name: jnp.asarray([setting[name] for setting in settings]) for name in settings[0]}
    try:
        sweep = jax.jit(jax.vmap(loss))(table)
    except (jax.errors.JAXTypeError, ValueError, TypeError) as error:
        raise AssertionError(f"{case.name}: a hyper-parameter cannot be traced") from error
    _same(sweep, np.stack([run(case, logits, labels, hyper=setting)[0] for setting in settings]))
