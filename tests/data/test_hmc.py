"""Hierarchies, and the ARFF files that hold them: closed upwards, whatever the case, or an honest error."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError
from mlj.data.hierarchy import Hierarchy
from mlj.data.hmc import read_hmc_arff

PATHS = """@relation tiny
@attribute a numeric
@attribute colour {red,green,blue}
@attribute class hierarchical 01,01/02,01/02/03,05
@data
1.5,red,01/02/03
?,green,05@01/02
% a comment
-2,blue,01
"""
EDGES = """@RELATION tiny
@ATTRIBUTE a NUMERIC
@ATTRIBUTE class hierarchical root/x,root/y,x/z,y/z,z/w
@DATA
0,Z
1,Y
"""


def written(folder, text, name="tiny.train.arff"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_named_by_paths_are_closed_upwards(tmp_path):
    data, tree = read_hmc_arff(written(tmp_path, PATHS), missing_features="zero")
    assert data.label_names == tree.label_names == ("01", "01/02", "01/02/03", "05")
    np.testing.assert_array_equal(data.labels, [[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, 0]])
    assert data.feature_names == ("a", "colour=red", "colour=green", "colour=blue")
    np.testing.assert_array_equal(data.features, [[1.5, 1, 0, 0], [0, 0, 1, 0], [-2, 0, 0, 1]])
    np.testing.assert_array_equal(tree.roots, [True, False, False, True])
    np.testing.assert_array_equal(tree.depth, [0, 1, 2, 0])


def test_edges_make_a_graph_in_which_a_label_has_several_parents_whatever_the_case(tmp_path):
    data, graph = read_hmc_arff(written(tmp_path, EDGES))
    assert graph.label_names == ("root", "x", "y", "z", "w")
    np.testing.assert_array_equal(data.labels, [[1, 1, 1, 1, 0], [1, 0, 1, 0, 0]])
    np.testing.assert_array_equal(graph.depth, [0, 1, 1, 2, 3])
    np.testing.assert_array_equal(graph.ancestors[4], [True, True, True, True, False])


def test_three_files_make_the_official_split(tmp_path):
    text = PATHS.replace("?,", "7,")
    paths = [written(tmp_path, text, f"tiny.{part}.arff") for part in ("train", "valid", "test")]
    data, _ = read_hmc_arff(paths[0], validation=paths[1], test=paths[2], name="three")
    np.testing.assert_array_equal(data.split, np.repeat([0, 1, 2], 3))
    assert data.name == "three"
    with pytest.raises(ValueError, match="validation rows without test rows are no official split"):
        read_hmc_arff(paths[0], validation=paths[1])


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("05@01/02", "05@01/20", 7, "'01/20', the hierarchy has not: did you mean '01/02'"),
        ("05@01/02", "05@01/02@05", 7, "the row has the label '05' twice"),
        ("-2,blue,01", "-2,blue", 9, "the row has the label 'blue', the hierarchy has not"),
        ("-2,blue,01", "-2,blue,4,01", 9, "the row has 3 values for 2 attributes"),
        ("-2,blue,01", "-2", 9, "the row has no comma"),
        ("-2,blue,01", " ,01", 9, "the row has labels and no values"),
        ("-2,blue,01", "{0 -2}", 9, "a sparse row"),
        ("-2,blue,01", "-2,violet,01", 9, "attribute 'colour' is 'violet'"),
        ("01,01/02,01/02/03,05", "01,01/02/03,05", 4, "the hierarchy has no label '01/02'"),
        ("01,01/02,", "01,01/02,,", 4, "the hierarchy holds an empty name"),
        ("01,01/02,", "01,01,01/02,", 4, "two labels of the hierarchy are named '01'"),
        ("class hierarchical 01,01/02,01/02/03,05", "class {0,1}", None, "type hierarchical, 0 are"),
        ("@attribute a numeric", "@attribute c hierarchical x,y", None, "type hierarchical, 2 are"),
        ("?,green", "?,green", 7, "feature 'a' is missing"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_with_its_line(tmp_path, old, new, line, reason):
    assert old in PATHS
    path = written(tmp_path, PATHS.replace(old, new))
    with pytest.raises(DataError) as caught:
        read_hmc_arff(path)
    assert (caught.value.line, caught.value.file) == (line, str(path))
    assert reason in caught.value.reason


def test_a_circle_in_a_file_is_named(tmp_path):
    path = written(tmp_path, EDGES.replace("z/w", "z/w,w/X"))
    with pytest.raises(DataError, match="goes round in a circle: x > z > w > x") as caught:
        read_hmc_arff(path)
    assert caught.value.line == 3
    with pytest.raises(DataError, match="an edge of the hierarchy is written parent/child, got '01'"):
        read_hmc_arff(written(tmp_path, PATHS), structure="edges")
    with pytest.raises(ValueError, match="structure must be one of paths, edges or None, got 'tree'"):
        read_hmc_arff(path, structure="tree")


def test_the_hierarchy_must_be_the_last_attribute_and_the_same_in_all_files(tmp_path):
    first = written(tmp_path, EDGES)
    other = written(tmp_path, EDGES.replace(",z/w", ""), "other.arff")
    with pytest.raises(DataError, match=r"is not that of tiny\.train\.arff: 'z/w' is in one of them only"):
        read_hmc_arff(first, test=other)
    late = written(tmp_path, EDGES.replace("@DATA", "@ATTRIBUTE b NUMERIC\n@DATA"), "late.arff")
    with pytest.raises(DataError, match="the hierarchical attribute must be the last one"):
        read_hmc_arff(late)


def test_the_closure_of_a_random_graph_is_reachability_by_powers_of_its_edges():
    rng = np.random.default_rng(0)
    size = 12
    order = rng.permutation(size)
    edges = [(order[i], order[j]) for i in range(size) for j in range(i + 1, size) if rng.random() < 0.2]
    names = [f"n{i}" for i in range(size)]
    graph = Hierarchy.from_edges(names, [(names[a], names[b]) for a, b in edges])
    step = np.zeros((size, size), int)
    step[tuple(zip(*edges))] = 1
    reach = sum(np.linalg.matrix_power(step, power) for power in range(1, size)) > 0
    np.testing.assert_array_equal(graph.descendants, reach)
    np.testing.assert_array_equal(graph.roots, step.sum(axis=0) == 0)
    labels = (rng.random((9, size)) < 0.2).astype(np.uint8)
    wanted = (labels + labels @ reach.T) > 0
    np.testing.assert_array_equal(graph.close(labels), wanted)
    np.testing.assert_array_equal(graph.close(sp.csr_array(labels)).toarray(), wanted)
    assert graph.is_closed(wanted)
    assert not graph.is_closed(labels)


def test_a_hierarchy_is_checked_by_name():
    with pytest.raises(DataError, match="the hierarchy has no label 'c'"):
        Hierarchy.from_edges("ab", [("a", "c")])
    with pytest.raises(DataError, match="two labels of the hierarchy are named 'a'"):
        Hierarchy.from_edges("aba", [])
    with pytest.raises(DataError, match="goes round in a circle: a > a"):
        Hierarchy.from_edges("ab", [("a", "a")])
    with pytest.raises(DataError, match=r"labels must be \[N, 2\], got \[3, 5\]"):
        Hierarchy.from_edges("ab", []).close(np.zeros((3, 5)))
    for wrong in (np.nan, -1, 2):
        with pytest.raises(DataError, match="label 1 of row 0 is"):
            Hierarchy.from_edges("ab", []).close(np.array([[0, wrong]]))


FACTS = {
    # name: rows of train, validation and test, features, labels, roots, cardinality of what is learned from
    "cellcycle_FUN": ((1628, 848, 1281), 77, 499, 18, 8.68),
    "eisen_FUN": ((1058, 529, 837), 79, 461, 18, 9.16),
}


@pytest.mark.parametrize("name", FACTS)
def test_the_real_files_have_the_published_sizes(name, data_dir):
    rows, features, labels, roots, cardinality = FACTS[name]
    folder = data_dir / "hmc_cellcycle_eisen"
    train, validation, test = (folder / f"{name}.{part}.arff.gz" for part in ("train", "valid", "test"))
    data, tree = read_hmc_arff(train, validation=validation, test=test, missing_features="keep")
    assert tuple(np.bincount(data.split)) == rows
    assert (data.num_features, data.num_labels, tree.roots.sum()) == (features, labels, roots)
    assert data.rows(data.split < 2).describe()["cardinality"] == pytest.approx(cardinality, abs=0.01)
    assert tree.is_closed(data.label_matrix)
