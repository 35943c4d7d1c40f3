"""Data that needs no file: yeast, composed digits, and openml.org behind a fetcher that is replaced here."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.datasets

from mlj.data import DataError, check_trainable, digits, load, yeast

yeast_module = importlib.import_module("mlj.data.yeast")


def test_yeast_has_its_official_split_and_is_read_without_importing_river():
    before = "river" in sys.modules
    data = load("yeast")
    assert ("river" in sys.modules) == before
    assert data.describe()["parts"] == {"train": 1500, "validation": 0, "test": 917, "unused": 0}
    np.testing.assert_allclose(data.features[0, :3], [0.0937, 0.139771, 0.062774], rtol=1e-6)
    np.testing.assert_allclose(data.features[1500, :3], [0.004168, -0.170975, -0.156748], rtol=1e-6)
    assert data.labels[0].tolist() == [0, 0, 1, 1] + [0] * 10
    assert data.label_names[:2] == ("Class1", "Class2")
    check_trainable(data)


def test_a_folder_of_the_same_name_does_not_hide_a_built_in_data_set(monkeypatch, tmp_path):
    (tmp_path / "yeast").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load("yeast").num_samples == 2417
    with pytest.raises(DataError, match="cannot be opened: Is a directory"):
        load(tmp_path / "yeast")


def test_yeast_without_river_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="'river', which is not installed: pip install river"):
        yeast()


def test_a_yeast_file_that_is_another_one_is_refused(monkeypatch, tmp_path):
    path = tmp_path / "yeast.csv"
    path.write_text("Att1,Class1\n1,0\n2,1\n")
    monkeypatch.setattr(yeast_module, "yeast_file", lambda: path)
    with pytest.raises(DataError, match=r"yeast\.csv: is not the yeast data that is known"):
        yeast()


def patches(canvas: np.ndarray) -> list[np.ndarray]:
    """Cut each cell's image out of a canvas of 2 by 2 cells of 12."""
    cells = canvas.reshape(2, 12, 2, 12).swapaxes(1, 2).reshape(4, 12, 12)
    found = []
    for cell in cells[[cell.any() for cell in cells]]:
        rows, columns = (np.flatnonzero(cell.any(axis=axis)) for axis in (1, 0))
        assert np.ptp(rows) < 8
        assert np.ptp(columns) < 8
        found.append(cell[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return found


def test_the_label_of_a_canvas_says_which_real_digits_stand_on_it():
    source = sklearn.datasets.load_digits()
    known: dict[bytes, set[int]] = {}
    for image, digit in zip(source.images, source.target):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 16
        known.setdefault(cut.astype(np.float32).tobytes() + bytes(cut.shape), set()).add(int(digit))
    data = digits(200, seed=3)
    seen: dict[str, set[bytes]] = {"train": set(), "test": set()}
    for part, keys in seen.items():
        dataset = data.part(part)
        for canvas, labels in zip(dataset.features.reshape(-1, 24, 24), dataset.labels):
            found = [patch.tobytes() + bytes(patch.shape) for patch in patches(canvas)]
            assert 1 <= len(found) <= 4
            assert set().union(*(known[key] for key in found)) == set(np.flatnonzero(labels))
            keys.update(found)
    assert not seen["train"] & seen["test"]
    assert 0 <= data.features.min() < data.features.max() <= 1


def test_digits_are_seeded_and_their_sizes_are_what_was_asked_for():
    one, two, three = digits(60, seed=0), digits(60, seed=0), digits(60, seed=1)
    assert one.sha256 == two.sha256 != three.sha256
    assert one.describe()["parts"] == {"train": 45, "validation": 0, "test": 15, "unused": 0}
    small = load("digits", num_samples=40, max_digits=1, cell=8, test_share=0.5)
    assert (small.num_features, small.describe()["cardinality"]) == (256, 1.0)
    check_trainable(small)
    for wrong in ({"max_digits": 5}, {"cell": 7}, {"num_samples": 1}, {"test_share": 0.0}):
        with pytest.raises(ValueError, match=next(iter(wrong)).replace("num_samples", "samples")):
            digits(**wrong)
    with pytest.raises(ValueError, match="digits has no option 'samples'"):
        load("digits", samples=3)
    with pytest.raises(DataError, match="digits: a built-in data set has its own labels"):
        load("digits", labels="a")


def fetched(**changes):
    bunch = {
        "data": np.array([[1.0, 0, 2], [2.0, 1, 0], [3.0, 0, 1]]),
        "feature_names": ["x", "flag", "colour"],
        "categories": {"flag": ["n", "y"], "colour": ["r", "g", "b"]},
        "target": np.array([["TRUE", "FALSE"], ["FALSE", "FALSE"], [None, "TRUE"]], object),
        "target_names": ["a", "b"],
    }
    return sklearn.utils.Bunch(**bunch | changes)


def test_openml_is_fetched_through_scikit_learn_and_checked(monkeypatch):
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return fetched()

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    data = load("openml:some", version=4)
    assert (asked["name"], asked["version"], asked["as_frame"]) == ("some", 4, False)
    assert data.feature_names == ("x", "flag", "colour=r", "colour=g", "colour=b")
    assert data.features.tolist() == [[1, 0, 0, 0, 1], [2, 1, 1, 0, 0], [3, 0, 0, 1, 0]]
    assert data.labels.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert data.where.tolist() == [[True, True], [True, True], [False, True]]
    monkeypatch.setattr(
        sklearn.datasets, "fetch_openml", lambda name, **_: fetched(data=sp.csr_matrix(fetched().data))
    )
    np.testing.assert_array_equal(load("openml:some").features.toarray(), data.features)


def test_openml_failures_name_the_data_set(monkeypatch):
    def offline(name, **options):
        raise OSError("no network")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", offline)
    with pytest.raises(DataError, match="openml:some: cannot be fetched: no network"):
        load("openml:some")
    target = np.array([["3", "0"]] * 3, object)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda name, **_: fetched(target=target))
    with pytest.raises(DataError, match="openml:some: target 'a' of row 0 is '3', not a label"):
        load("openml:some")
    gap = fetched().data.copy()
    gap[1, 2] = np.nan
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda name, **_: fetched(data=gap))
    with pytest.raises(DataError, match="openml:some: a feature is missing; state what stands in"):
        load("openml:some")
    assert load("openml:some", missing_features="zero").features[1].tolist() == [2, 1, 0, 0, 0]
