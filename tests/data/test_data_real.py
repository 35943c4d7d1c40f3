"""The real data sets: every reader against the facts that were measured with other tools."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.sparse as sp

from mlj import data as mlj_data

MULAN = {
    # name: files, train rows, test rows, features, labels, cardinality, distinct labelsets
    "yeast": ("yeast-{}.arff.gz", 1500, 917, 103, 14, 4.237, 198),
    "scene": ("scene-{}.arff.gz", 1211, 1196, 294, 6, 1.074, 15),
    # 258 numbers, one binary attribute and one of 12 values, which become 12 columns
    "birds": ("birds-{}.arff.gz", 322, 323, 258 + 1 + 12, 19, 1.014, None),
    "medical": ("medical-{}.arff.gz", 333, 645, 1449, 45, 1.245, 94),
    "enron": ("enron-{}.arff.gz", 1123, 579, 1001, 53, 3.378, 753),
    "bibtex": ("bibtex-{}.arff.gz", 4880, 2515, 1836, 159, 2.402, 2856),
    "corel5k": ("Corel5k-{}-sparse.arff.gz", 4500, 500, 499, 374, 3.522, 3175),
}


@pytest.fixture(scope="module")
def mulan(data_dir):
    return {
        name: mlj_data.load(
            data_dir / name / files.format("train"), test=data_dir / name / files.format("test")
        )
        for name, (files, *_) in MULAN.items()
    }


def same(one: mlj_data.Dataset, other: mlj_data.Dataset) -> None:
    for matrix, its_like in ((one.features, other.features), (one.label_matrix, other.label_matrix)):
        np.testing.assert_array_equal(dense(matrix), dense(its_like))
    np.testing.assert_array_equal(one.split, other.split)


def dense(matrix) -> np.ndarray:
    return matrix.toarray() if sp.issparse(matrix) else matrix


@pytest.mark.parametrize("name", MULAN)
def test_a_mulan_data_set_has_the_published_sizes_and_statistics(name, mulan):
    _, train, test, features, labels, cardinality, labelsets = MULAN[name]
    facts = mulan[name].describe()
    assert facts["parts"] == {"train": train, "validation": 0, "test": test, "unused": 0}
    assert (facts["features"], facts["labels"]) == (features, labels)
    assert round(facts["cardinality"], 3) == cardinality
    assert facts["density"] == pytest.approx(facts["cardinality"] / labels, rel=1e-12)
    assert labelsets in (None, facts["distinct_labelsets"])
    mlj_data.check_trainable(mulan[name])


def test_the_notes_on_repeats_and_gaps_are_found_again(mulan):
    facts = {name: dataset.describe() for name, dataset in mulan.items()}
    assert [facts[name]["test_rows_in_train"] for name in ("scene", "enron", "bibtex")] == [6, 62, 21]
    assert [facts[name]["duplicated_train_rows"] for name in ("enron", "bibtex")] == [66, 17]
    never = {name: facts[name]["labels_never_positive_in_train"] for name in ("medical", "enron", "corel5k")}
    assert never == {"medical": 7, "enron": 1, "corel5k": 3}
    assert facts["birds"]["empty_rows"] == 143 + 151
    assert round(facts["yeast"]["density"], 3) == 0.303
    assert round(facts["scene"]["density"], 3) == 0.179
    assert round(facts["bibtex"]["density"], 3) == 0.015
    assert mulan["corel5k"].part("test").describe()["labels_never_positive"] == 111
    assert mulan["medical"].part("test").describe()["labels_never_positive"] == 6
    constant = np.ptp(mulan["medical"].part("train").features.toarray(), axis=0) == 0
    assert constant.sum() == 555
    assert round(mulan["bibtex"].features.nnz / 7395, 1) == 68.7
    assert round(mulan["corel5k"].features.nnz / 5000, 1) == 8.3


def test_the_three_formats_of_yeast_and_the_built_in_one_are_identical(mulan, data_dir):
    built_in, folder = mlj_data.yeast(), data_dir / "yeast"
    meka = mlj_data.load(folder / "Yeast.arff.bz2")
    text = mlj_data.load(
        folder / "yeast_train.txt.gz", test=folder / "yeast_test.txt.gz", label_base=0, feature_base=1
    )
    for other in (mulan["yeast"], meka, text):
        same(built_in, other)
    for other in (mulan["yeast"], meka):
        assert other.sha256 == built_in.sha256
        assert other.label_names == tuple(f"Class{at}" for at in range(1, 15))


def test_the_label_order_is_that_of_the_arff_and_not_of_the_xml(mulan, data_dir):
    listed = re.findall(r'name="(.*?)"', (data_dir / "yeast" / "yeast.xml").read_text())
    assert sorted(listed) == sorted(mulan["yeast"].label_names)
    assert listed != list(mulan["yeast"].label_names)


def test_bibtex_in_the_xc_format_is_the_mulan_one(mulan, data_dir):
    folder = data_dir / "bibtex"
    text = mlj_data.load(folder / "bibtex_train.xc.txt.gz", test=folder / "bibtex_test.xc.txt.gz")
    assert (text.features != mulan["bibtex"].features).nnz == 0
    assert (text.label_matrix != mulan["bibtex"].label_matrix).nnz == 0


def test_tox21_as_arrays_and_as_a_table_agree_and_keep_what_was_not_observed(data_dir):
    arrays = mlj_data.load(data_dir / "tox21" / "tox21_ecfp4_1024.npz", split="scaffold_split")
    table = mlj_data.load(
        data_dir / "tox21" / "datasets_tox21.csv.gz", labels="first:12", ignore=["mol_id", "smiles"]
    )
    for dataset in (arrays, table):
        facts = dataset.describe()
        assert (facts["rows"], facts["labels"]) == (8014, 12)
        assert round(facts["cardinality"], 3) == 0.743
        assert round(100 * facts["unobserved"], 2) == 17.26
        assert facts["density"] == pytest.approx(dataset.label_matrix.nnz / dataset.where.sum(), rel=1e-12)
        assert (min(facts["label_counts"]), max(facts["label_counts"])) == (189, 961)
    np.testing.assert_array_equal(arrays.labels, table.labels)
    np.testing.assert_array_equal(arrays.where, table.where)
    assert arrays.label_names == table.label_names
    assert arrays.describe()["parts"]["unused"] == 8
    with pytest.raises(mlj_data.DataError, match="there are no features"):
        mlj_data.check_trainable(table)


def test_the_table_of_tox21_can_be_learned_from_when_its_smiles_are_read_as_text(data_dir):
    path = data_dir / "tox21" / "datasets_tox21.csv.gz"
    dataset = mlj_data.load(path, labels="first:12", ignore="mol_id", text="smiles")
    assert sp.issparse(dataset.features)
    mlj_data.check_trainable(dataset)
    with pytest.raises(mlj_data.DataError, match=r"csv\.gz:2: column 'mol_id' is 'TOX3021'.*ignore='mol_id'"):
        mlj_data.load(path, labels="first:12")


def test_sider_as_arrays_and_as_a_table_agree(data_dir):
    arrays = mlj_data.load(data_dir / "sider" / "sider_ecfp4_1024.npz")
    table = mlj_data.load(
        data_dir / "sider" / "examples_sider_sider.csv.gz", labels="last:27", ignore="smiles"
    )
    np.testing.assert_array_equal(arrays.labels, table.labels)
    assert arrays.label_names == table.label_names
    facts = arrays.describe()
    assert (facts["rows"], facts["labels"], facts["distinct_labelsets"]) == (1427, 27, 1088)
    assert (round(facts["cardinality"], 3), round(facts["density"], 3)) == (15.324, 0.568)
    assert arrays.where is None
    assert arrays.split is None


def test_goemotions_is_a_table_without_a_header_and_with_listed_labels(data_dir):
    names = [str(at) for at in range(28)]
    options = {"labels": "column_1", "separator": ",", "label_names": names, "ignore": "column_0,column_2"}
    cardinality = {"train": 1.177, "dev": 1.176, "test": 1.166}
    for part, rows in (("train", 43410), ("dev", 5426), ("test", 5427)):
        path = data_dir / "goemotions" / f"{part}.tsv.gz"
        facts = mlj_data.load(path, **options, header=False, quote=None).describe()
        assert (facts["rows"], round(facts["cardinality"], 3)) == (rows, cardinality[part])
        assert part != "train" or (facts["distinct_labelsets"], min(facts["label_counts"])) == (711, 77)


def test_hierarchical_attributes_are_refused_and_not_misread(data_dir):
    path = data_dir / "hmc_cellcycle_eisen" / "eisen_FUN.test.arff.gz"
    with pytest.raises(mlj_data.DataError, match=r"test\.arff\.gz:\d+: attribute 'class': hierarchical"):
        mlj_data.load(path, labels="class")
