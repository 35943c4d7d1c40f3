"""Choosing antennas: each way against its definition, and a network that does not know their numbering."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

SNR = 10.0


@pytest.fixture(scope="module")
def antennas():
    """Import the experiment's own modules."""
    from importlib import import_module

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "experiments"))
        names = ("channel", "search", "features", "network")
        yield {name: import_module(f"antennas.{name}") for name in names}


@pytest.fixture(scope="module")
def gram(antennas):
    return antennas["channel"].draw_grams(jax.random.key(0), 6, 4, 7)


def bits(gram, chosen):
    """Return the capacity in float64 by a determinant."""
    part = np.asarray(gram, np.complex128)[np.ix_(chosen, chosen)]
    return np.linalg.slogdet(np.eye(len(chosen)) + SNR / len(chosen) * part)[1] / np.log(2)


def places(multi_hot):
    return [tuple(np.flatnonzero(row)) for row in multi_hot]


def test_the_capacity_is_the_determinant_of_the_channel_as_of_its_gram_matrix(antennas):
    parts = np.random.default_rng(0).normal(size=(2, 3, 5))
    channel = parts[0] + 1j * parts[1]
    chosen = np.array([False, True, False, True, True])
    sent = channel[:, chosen]
    wanted = np.log2(np.linalg.det(np.eye(3) + SNR / 3 * sent @ sent.conj().T).real)
    gram = jnp.asarray(channel.conj().T @ channel, jnp.complex64)
    found = antennas["channel"].capacity(gram[None], chosen[None], k=3, snr=SNR)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(("k", "block"), [(3, 256), (3, 8), (1, 4), (7, 256)])
def test_the_search_finds_the_best_of_all_subsets_in_one_block_or_several(k, block, antennas, gram):
    found = places(antennas["search"].exhaustive(gram, k=k, snr=SNR, block=block))
    for row, chosen in zip(gram, found):
        assert chosen == max(combinations(range(7), k), key=lambda subset, row=row: bits(row, subset))


def test_greedy_adds_the_antenna_that_raises_the_determinant_most(antennas, gram):
    k = 3
    for row, found in zip(gram, places(antennas["search"].greedy(gram, k=k, snr=SNR))):
        chosen: list[int] = []
        matrix = np.eye(7) + SNR / k * np.asarray(row, np.complex128)
        for _ in range(k):
            left = [i for i in range(7) if i not in chosen]
            chosen.append(
                max(left, key=lambda i: np.linalg.slogdet(matrix[np.ix_([*chosen, i], [*chosen, i])])[1])
            )
        assert found == tuple(sorted(chosen))


def test_the_strongest_have_the_largest_norm_and_a_random_choice_is_of_any_subset(antennas, gram):
    power = np.diagonal(gram, axis1=1, axis2=2).real
    found = antennas["search"].strongest(gram, k=2)
    assert places(found) == [tuple(sorted(np.argsort(-row)[:2])) for row in power]
    drawn = places(antennas["search"].at_random(jax.random.key(0), number=400, num_antennas=4, k=2))
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 40


def test_more_antennas_than_there_are_cannot_be_chosen(antennas, gram):
    search = antennas["search"]
    for choose in (
        lambda: search.exhaustive(gram, k=8, snr=SNR),
        lambda: search.greedy(gram, k=8, snr=SNR),
        lambda: search.strongest(gram, k=8),
        lambda: search.at_random(jax.random.key(0), number=2, num_antennas=7, k=8),
        lambda: antennas["channel"].capacity(gram, jnp.ones((6, 7), bool), k=8, snr=SNR),
    ):
        with pytest.raises(ValueError, match="k must be 1 to 7, the number of antennas, got 8"):
            choose()


def test_the_features_of_a_pair_are_what_it_loses_to_its_likeness(antennas, gram):
    found = antennas["features"].describe(gram, k=2, snr=SNR)
    alone, both = found.nodes[..., 0] / np.log(2), found.pairs[..., 0] / np.log(2)
    for n, (i, j) in ((0, (1, 4)), (3, (0, 6))):
        together = alone[n, i] + alone[n, j] + both[n, i, j]
        np.testing.assert_allclose(together, bits(gram[n], (i, j)), rtol=1e-4)
    np.testing.assert_array_equal(np.diagonal(found.pairs, axis1=1, axis2=2), 0)


@pytest.mark.slow
def test_the_network_numbers_its_logits_as_the_antennas_are_numbered_and_sees_no_phases(antennas, gram):
    from flax import nnx

    from mlj.models import as_function

    apply_fn, params = as_function(antennas["network"].AntennaNetwork(rngs=nnx.Rngs(0)))
    logits = jax.jit(lambda gram: apply_fn(params, antennas["features"].describe(gram, k=3, snr=SNR)))
    order = np.random.default_rng(0).permutation(7)
    turn = jnp.exp(1j * jnp.arange(7.0))
    other = gram[:, order][:, :, order] * (turn.conj()[:, None] * turn[None, :])[None]
    np.testing.assert_allclose(logits(other), logits(gram)[:, order], atol=2e-4)
    with pytest.raises(ValueError, match="heads must divide width 10, got 4"):
        antennas["network"].AntennaNetwork(width=10, rngs=nnx.Rngs(0))
