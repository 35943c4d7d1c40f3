"""A data set carries the hierarchy of its labels wherever its rows go, and refuses one of other labels."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, Dataset, concatenate, load
from mlj.data.hierarchy import Hierarchy

TREE = Hierarchy.from_paths(["a", "a/b", "a/b/c", "d"])
LABELS = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]])
TINY = """@relation tiny
@attribute size numeric
@attribute class hierarchical a,a/b,a/b/c,d
@data
1,a/b
2,a/b/c@d
3,d
"""


@pytest.fixture
def data():
    return Dataset(np.eye(3), LABELS, label_names=TREE.label_names, hierarchy=TREE, split=np.array([0, 0, 2]))


def test_rows_parts_copies_and_joined_parts_keep_the_hierarchy(data):
    rows, part, copy = data.rows(np.array([0])), data.part("test"), data.replace(name="other")
    joined = concatenate(data.part("train"), part)
    assert all(one.hierarchy is TREE for one in (rows, part, copy, joined))
    assert data.replace(hierarchy=None).hierarchy is None


def test_the_fingerprint_tells_one_hierarchy_from_another_and_from_none(data):
    flat = data.replace(hierarchy=None)
    other = Hierarchy.from_edges(TREE.label_names, [("a", "a/b")])
    found = [data.sha256, flat.sha256, flat.replace(hierarchy=other).sha256]
    assert len(set(found)) == 3
    assert flat.sha256 == Dataset(np.eye(3), LABELS, label_names=TREE.label_names, split=data.split).sha256


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_labels_that_are_not_closed_upwards_are_refused(form):
    labels = LABELS.copy()
    labels[1, 0] = 0
    with pytest.raises(DataError, match="row 1 has a label below 'a' without that label"):
        Dataset(np.eye(3), form(labels), label_names=TREE.label_names, hierarchy=TREE)
    where = labels == LABELS
    unseen = Dataset(np.eye(3), form(labels), where=where, label_names=TREE.label_names, hierarchy=TREE)
    assert unseen.hierarchy is TREE


def test_a_hierarchy_of_other_labels_is_refused(data):
    with pytest.raises(DataError, match="other labels than the data, or the same in another order"):
        data.replace(label_names=("a", "a/b", "d", "a/b/c"))


def test_a_file_with_a_hierarchical_attribute_is_read_whatever_it_is_called(tmp_path):
    for name, options in (("tiny.arff", {}), ("tiny.txt", {"format": "hmc"})):
        path = tmp_path / name
        path.write_text(TINY)
        data = load(path, test=path, validation=path, **options)
        assert data.split.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        np.testing.assert_array_equal(data.hierarchy.descendants, TREE.descendants)
        np.testing.assert_array_equal(data.labels[:3], LABELS)
