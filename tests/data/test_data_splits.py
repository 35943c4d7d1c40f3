"""Stratified splits: exact, disjoint, seeded, and closer to the label shares than chance."""

from __future__ import annotations

import numpy as np
import pytest

from mlj.data import DataError, Dataset, iterative_stratified_split, k_folds, train_validation_test_split
from mlj.data.labels import label_matrix, padded_indices
from mlj.data.splits import exact_sizes

RNG = np.random.default_rng(7)
LABELS = (RNG.random((600, 12)) < np.geomspace(0.01, 0.4, 12)).astype(np.uint8)


def deviation(parts) -> float:
    """How far, relatively, the label shares of the parts are from those of all rows."""
    shares = LABELS.mean(axis=0)
    return float(np.mean([np.abs(LABELS[part].mean(axis=0) / shares - 1) for part in parts]))


@pytest.mark.parametrize("sizes", [(480, 120), (300, 200, 100), (0.7, 0.3), (599, 1), (600, 0)])
def test_parts_have_the_sizes_that_were_asked_for_and_share_no_row(sizes):
    parts = iterative_stratified_split(LABELS, sizes, seed=3)
    wanted = [round(600 * size) if isinstance(size, float) else size for size in sizes]
    assert [len(part) for part in parts] == wanted
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(600))


def test_the_label_shares_of_the_parts_are_much_closer_than_those_of_a_random_split():
    for sizes in ([480, 120], [60] * 10):
        ends = np.cumsum(sizes)[:-1]
        chance = np.mean(
            [deviation(np.split(np.random.default_rng(s).permutation(600), ends)) for s in range(20)]
        )
        stratified = np.mean(
            [deviation(iterative_stratified_split(LABELS, sizes, seed)) for seed in range(5)]
        )
        assert stratified < 0.4 * chance


def test_a_label_with_as_many_rows_as_parts_is_in_every_part():
    labels = np.zeros((50, 3), int)
    labels[:5, 0] = labels[:25, 1] = labels[10:, 2] = 1
    for _, held_out in k_folds(labels, 5, seed=1):
        rarest, half, most = labels[held_out].sum(axis=0).tolist()
        assert (rarest, half) == (1, 5)
        assert 7 <= most <= 9


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    one, two, three = (iterative_stratified_split(LABELS, (500, 100), seed)[1].tolist() for seed in (0, 0, 1))
    assert one == two
    assert one != three


def test_index_lists_split_as_multi_hot_labels_do():
    lists = padded_indices(label_matrix(LABELS))
    for one, two in zip(
        iterative_stratified_split(LABELS, (400, 200), 5),
        iterative_stratified_split(lists, (400, 200), 5, num_labels=12),
    ):
        np.testing.assert_array_equal(one, two)


def test_a_label_that_was_not_observed_does_not_guide_the_split():
    where = RNG.random(LABELS.shape) < 0.7
    masked = iterative_stratified_split(np.where(where, LABELS, 1), (400, 200), 5, where=where)
    absent = iterative_stratified_split(LABELS * where, (400, 200), 5)
    np.testing.assert_array_equal(masked[1], absent[1])


def test_folds_hold_every_row_out_once_and_train_on_the_others():
    folds = k_folds(LABELS, 7, seed=2)
    assert sorted({len(held_out) for _, held_out in folds}) == [85, 86]
    np.testing.assert_array_equal(
        np.sort(np.concatenate([held_out for _, held_out in folds])), np.arange(600)
    )
    for train, held_out in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(600))


def test_the_three_way_split_keeps_an_official_test_part_and_unused_rows():
    split = np.repeat([0, 2, -1], [400, 150, 50])
    data = Dataset(np.arange(600.0)[:, None], LABELS, split=split)
    done = train_validation_test_split(data, validation=0.25, seed=4)
    np.testing.assert_array_equal(done.split[400:], split[400:])
    assert done.part("validation").num_samples == 100
    fresh = train_validation_test_split(data.replace(split=None), validation=0.25, test=0.1, seed=4)
    sizes = fresh.describe()["parts"]
    assert sizes == {"train": 405, "validation": 135, "test": 60, "unused": 0}
    again = train_validation_test_split(done, seed=9)
    np.testing.assert_array_equal(again.split, done.split)


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((500, 99), "add up to 599"),
        ((0.5, 0.4), "add up to 0.9"),
        ((700, -100), "non-negative"),
        ((), "a list"),
    ],
)
def test_sizes_that_do_not_add_up_are_refused(sizes, reason):
    with pytest.raises(DataError, match=reason):
        iterative_stratified_split(LABELS, sizes)


def test_impossible_folds_and_empty_parts_are_refused():
    for k in (1, 601):
        with pytest.raises(DataError, match="k must be 2 to 600"):
            k_folds(LABELS, k)
    with pytest.raises(DataError, match=r"validation share of 0\.2"):
        train_validation_test_split(Dataset(np.eye(4), np.eye(4)), test=0.5)


def test_shares_are_rounded_so_that_no_row_is_lost():
    for rows in range(1, 40):
        for shares in ((0.8, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.6, 0.2, 0.2)):
            sizes = exact_sizes(rows, shares)
            assert sum(sizes) == rows
            assert all(abs(size - share * rows) < 1 for size, share in zip(sizes, shares))
