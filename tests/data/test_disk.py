"""Data sets that stay on disk: the rows of the one in memory, and every kind of damage refused."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, Dataset, Hierarchy, iterative_stratified_split
from mlj.data.array_file import ArrayFile, ArrayWriter
from mlj.data.disk import DiskDataset, is_disk, write_disk
from mlj.data.in_place import new_file, new_folder
from mlj.data.scaling import fit_scaling
from mlj.data.streamed import streamed_label_counts, streamed_scaling


def make(rows: int = 57, *, sparse: bool = False, seed: int = 0, **changes: object) -> Dataset:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 11)).astype(np.float32)
    if sparse:
        features = sp.csr_array(np.where(features > 0.7, features, 0))
    given = {
        "labels": rng.random((rows, 10)) < 0.2,
        "where": rng.random((rows, 10)) < 0.9,
        "label_names": [f"é {at}" for at in range(10)],
        "split": rng.integers(-1, 3, rows),
        "name": "small",
    }
    return Dataset(features, **{**given, **changes})


def pieces(data: Dataset, size: int):
    return (data.rows(slice(start, start + size)) for start in range(0, data.num_samples, size))


KINDS = {
    "dense": {},
    "sparse": {"sparse": True},
    "all observed": {"where": None},
    "no split": {"split": None},
    "no labels": {"labels": np.zeros((57, 10))},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 20, 57])
def test_rows_from_disk_are_those_of_the_data_set_in_memory(kind, size, tmp_path):
    data = make(**KINDS[kind])
    disk = write_disk(pieces(data, size), tmp_path / "d")
    for name in (
        "name",
        "num_samples",
        "num_features",
        "num_labels",
        "feature_names",
        "label_names",
        "has_missing_labels",
        "longest_row",
    ):
        assert getattr(disk, name) == getattr(data, name), name
    assert disk.is_sparse == sp.issparse(data.features)
    assert (disk.label_matrix != data.label_matrix).nnz == 0
    np.testing.assert_array_equal(disk.split, data.split)
    assert disk.to_dataset().sha256 == data.sha256
    rng = np.random.default_rng(1)
    chosen = [
        np.arange(57),
        rng.permutation(57),
        rng.integers(-57, 57, 100),
        np.array([3, 3, 50, 51, 52, 0]),
        np.array([], int),
        rng.random(57) < 0.3,
        slice(50, 3, -4),
    ]
    for index in chosen:
        assert disk.rows(index).sha256 == data.rows(index).sha256
    for batch in (1, 10, 100):
        together = list(disk.iter_rows(batch))
        assert [piece.num_samples for piece in together[:-1]] == [batch] * (len(together) - 1)
        again = write_disk(together, tmp_path / f"{batch}")
        assert again.sha256 == disk.sha256
    disk.verify()


def test_the_pieces_decide_nothing_but_the_rows_and_the_name_is_no_part_of_the_fingerprint(tmp_path):
    data = make()
    whole = write_disk(data, tmp_path / "a")
    cut = write_disk(pieces(data, 10), tmp_path / "b", name="other")
    assert whole.sha256 == cut.sha256
    assert (whole.name, cut.name) == ("small", "other")
    assert write_disk(cut, tmp_path / "c").sha256 == whole.sha256
    other = write_disk(data.replace(label_names=[*data.label_names[:-1], "x"]), tmp_path / "d")
    assert other.sha256 != whole.sha256


def test_labels_that_are_first_missing_in_a_late_piece_are_observed_in_the_early_ones(tmp_path):
    data = make(9000, where=np.arange(90_000).reshape(9000, 10) < 80_007)
    disk = write_disk(pieces(data, 1000), tmp_path / "d")
    np.testing.assert_array_equal(disk.to_dataset().where, data.where)
    assert np.load(disk.folder / "where.npy").shape == (9000, 2)


def test_a_hierarchy_is_kept(tmp_path):
    tree = Hierarchy.from_paths(["a", "a/b", "a/b/c", "d"])
    labels = tree.close(np.array([[0, 0, 1, 0], [0, 0, 0, 1]]))
    data = Dataset(np.eye(2), labels, label_names=tree.label_names, hierarchy=tree)
    disk = write_disk(data, tmp_path / "d")
    np.testing.assert_array_equal(disk.hierarchy.descendants, tree.descendants)
    assert disk.rows(slice(0, 1)).hierarchy is disk.hierarchy
    assert disk.to_dataset().sha256 == data.sha256
    with pytest.raises(DataError, match="another hierarchy of labels"):
        write_disk([data, data.replace(hierarchy=None)], tmp_path / "e")


def test_names_that_only_count_take_no_room(tmp_path):
    wide = Dataset(sp.csr_array((2, 150_000)), np.eye(2))
    disk = write_disk(wide, tmp_path / "d")
    assert (disk.folder / "feature_names.json").read_text() == "null"
    assert disk.feature_names == wide.feature_names
    assert disk.rows(np.array([1])).sha256 == wide.rows(np.array([1])).sha256


def test_the_parts_of_the_official_split_are_row_numbers(tmp_path):
    data = make(split=np.array([0, 2, -1, 0] + [-1] * 53))
    disk = write_disk(data, tmp_path / "d")
    assert disk.part_index("train").tolist() == [0, 3]
    with pytest.raises(DataError, match="the split of small has no validation rows"):
        disk.part_index("validation")
    with pytest.raises(DataError, match="unknown part 'rest'"):
        disk.part_index("rest")
    with pytest.raises(DataError, match="small has no official split"):
        write_disk(make(split=None), tmp_path / "e").part_index("train")
    train, test = iterative_stratified_split(disk.label_matrix, (40, 17), 0)
    assert disk.rows(train).num_samples + disk.rows(test).num_samples == 57


PIECES = {
    "the piece from row 57 on has other feature names": {"feature_names": list("abcdefghijk")},
    "the piece from row 57 on has other label names": {"label_names": list("abcdefghij")},
    "the piece from row 57 on is sparse, the first piece is not": {"sparse": True},
    "the piece from row 57 on and the first piece: only one has an official split": {"split": None},
}


@pytest.mark.parametrize("reason", PIECES)
def test_pieces_that_do_not_fit_together_are_refused_and_nothing_is_left(reason, tmp_path):
    with pytest.raises(DataError, match=reason):
        write_disk([make(), make(**PIECES[reason])], tmp_path / "d")
    assert not list(tmp_path.iterdir())


def test_missing_features_and_no_rows_are_refused(tmp_path):
    gaps = Dataset(np.array([[np.nan]]), np.ones((1, 1)), allow_missing=True)
    with pytest.raises(DataError, match=r"missing features \(NaN\): fill them with fill_missing"):
        write_disk(gaps, tmp_path / "d")
    for nothing in ([], [make().rows(slice(0))]):
        with pytest.raises(DataError, match="there are no rows to write"):
            write_disk(nothing, tmp_path / "d")


def test_an_interrupted_writing_leaves_nothing_and_the_former_data_set_stays(tmp_path):
    def interrupted():
        yield make()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_disk(interrupted(), tmp_path / "d")
    assert not list(tmp_path.iterdir())
    former = write_disk(make(), tmp_path / "d")
    with pytest.raises(KeyboardInterrupt):
        write_disk(interrupted(), tmp_path / "d", replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    DiskDataset(former.folder).verify()


def test_a_data_set_is_replaced_only_when_that_is_asked_for(tmp_path):
    former = write_disk(make(), tmp_path / "d")
    with pytest.raises(DataError, match="the folder is there already and is not empty"):
        write_disk(make(5), tmp_path / "d")
    write_disk(make(5), tmp_path / "d", replace=True)
    assert DiskDataset(tmp_path / "d").num_samples == 5
    assert former.rows(np.array([56])).sha256 == make().rows(np.array([56])).sha256
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").touch()
    with pytest.raises(DataError, match="holds something else than a data set; it is not replaced"):
        write_disk(make(), photos, replace=True)
    assert not is_disk(photos)
    with pytest.raises(DataError, match="is a file, not a folder"):
        write_disk(make(), photos / "a.jpg")
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write_disk(make(), tmp_path / "absent" / "d")


def test_what_is_asked_for_must_be_rows(tmp_path):
    disk = write_disk(make(), tmp_path / "d")
    with pytest.raises(IndexError, match="a row outside 0 to 56"):
        disk.rows(np.array([57]))
    with pytest.raises(ValueError, match=r"a mask of rows must be \[57\], got \[3\]"):
        disk.rows(np.ones(3, bool))
    with pytest.raises(TypeError, match="index must be integers"):
        disk.rows(np.array([0.5]))
    with pytest.raises(ValueError, match="batch must be at least 1"):
        next(disk.iter_rows(0))


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory):
    return write_disk(make(sparse=True), tmp_path_factory.mktemp("disk") / "d").folder


FILES = (
    "data.json",
    "feature_indptr.npy",
    "feature_indices.npy",
    "feature_values.npy",
    "feature_names.json",
    "label_indptr.npy",
    "label_indices.npy",
    "label_names.json",
    "split.npy",
    "where.npy",
)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut off", "longer", "a folder"])
def test_a_file_that_is_absent_or_of_another_size_is_refused_by_name(file, damage, undamaged, tmp_path):
    path = shutil.copytree(undamaged, tmp_path / "d") / file
    content = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "deleted":
        path.write_bytes({"emptied": b"", "cut off": content[:-1], "longer": content + b"x"}[damage])
    with pytest.raises(DataError) as caught:
        DiskDataset(tmp_path / "d")
    assert caught.value.file == str(path)


def test_no_flipped_bit_changes_what_is_read_without_verify_noticing(undamaged, tmp_path):
    folder = shutil.copytree(undamaged, tmp_path / "d")
    data = DiskDataset(undamaged).to_dataset()
    rng = np.random.default_rng(0)
    silent = 0
    for _ in range(200):
        path = folder / FILES[rng.integers(1, len(FILES))]
        content = path.read_bytes()
        at, bit = rng.integers(len(content)), 1 << rng.integers(8)
        path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        try:
            damaged = DiskDataset(folder)
            same = damaged.to_dataset().sha256 == data.sha256
        except DataError:
            pass
        else:
            silent += not same
            with pytest.raises(DataError, match="the file is damaged") as caught:
                damaged.verify()
            assert caught.value.file == str(path)
        path.write_bytes(content)
    # Reading alone cannot see every flip, which is why verify is there.
    assert silent > 0


FACTS = {
    "the format is 'mlj-data-9', wanted is 'mlj-data-1'": {"format": "mlj-data-9"},
    "num_samples is -1": {"num_samples": -1},
    "num_features is True": {"num_features": True},
    "num_labels is 3.5": {"num_labels": 3.5},
    "needs sparse": {"sparse": 1},
    "and a name": {"name": None},
    "needs files": {"files": ["split.npy"]},
    "feature_indptr.npy: holds int64 [58], data.json says int64 [10]": {"num_samples": 9},
    "feature_names.json: holds": {"num_features": 12},
    "label_names.json: holds 10 names, 11": {"num_labels": 11},
    "names no file 'features.npy'": {"sparse": False},
}


@pytest.mark.parametrize("reason", FACTS)
def test_facts_that_are_wrong_are_refused(reason, undamaged, tmp_path):
    folder = shutil.copytree(undamaged, tmp_path / "d")
    names = [f"f{at}" for at in range(11)]
    write_disk(DiskDataset(folder).to_dataset().replace(feature_names=names), folder, replace=True)
    facts = json.loads((folder / "data.json").read_text())
    (folder / "data.json").write_text(json.dumps({**facts, **FACTS[reason]}))
    with pytest.raises(DataError) as caught:
        DiskDataset(folder)
    assert reason in str(caught.value)


def test_facts_cannot_name_a_file_outside_the_folder(undamaged, tmp_path):
    folder = shutil.copytree(undamaged, tmp_path / "d")
    facts = json.loads((folder / "data.json").read_text())
    facts["files"]["../other"] = {"size": 0, "sha256": ""}
    (folder / "data.json").write_text(json.dumps(facts))
    with pytest.raises(DataError, match=r"names a file '\.\./other' outside the folder"):
        DiskDataset(folder)
    for text in ("[]", "{", "[" * 100_000, "\xff"):
        (folder / "data.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(DataError, match=r"is not JSON|the format is"):
            DiskDataset(folder)


def forged(folder, name: str, array: np.ndarray):
    """Put another array into a file, with a size that ``data.json`` agrees with."""
    np.save(folder / name, array)
    facts = json.loads((folder / "data.json").read_text())
    facts["files"][name]["size"] = (folder / name).stat().st_size
    (folder / "data.json").write_text(json.dumps(facts))


FORGED = {
    "feature_values.npy": (np.nan, "is nan in float32"),
    "feature_indices.npy": (11, "holds an index outside 0 to 10"),
    "label_indices.npy": (-1, "holds an index outside 0 to 9"),
    "label_indptr.npy": (10**6, "does not rise from row to row"),
    "split.npy": (7, "holds 0 (train), 1 (validation)"),
}


@pytest.mark.parametrize("file", FORGED)
def test_values_that_no_data_set_holds_are_refused(file, undamaged, tmp_path):
    folder = shutil.copytree(undamaged, tmp_path / "d")
    value, reason = FORGED[file]
    array = np.load(folder / file)
    array[4] = value
    forged(folder, file, array)
    with pytest.raises(DataError) as caught:
        DiskDataset(folder).to_dataset()
    assert reason in caught.value.reason
    for wrong in (np.array([]), array.astype(np.float64), np.array([None])):
        if wrong.dtype == object:
            np.save(folder / file, wrong, allow_pickle=True)
            size = (folder / file).stat().st_size
            facts = json.loads((folder / "data.json").read_text())
            facts["files"][file]["size"] = size
            (folder / "data.json").write_text(json.dumps(facts))
        else:
            forged(folder, file, wrong)
        with pytest.raises(DataError):
            DiskDataset(folder)


def test_scattered_rows_are_read_once_a_page_and_put_in_their_order(tmp_path):
    writer = ArrayWriter(tmp_path / "x.npy", "<i4")
    values = np.arange(300_000, dtype=np.int32) * 7
    writer.append(values[:1])
    writer.append(values[1:])
    writer.close()
    array = ArrayFile(tmp_path / "x.npy")
    rng = np.random.default_rng(0)
    for count in (0, 1, 10, 1000, 100_000, 300_000):
        index = np.sort(rng.choice(300_000, count, replace=False))
        np.testing.assert_array_equal(array.take(index), values[index])
    starts = np.array([0, 5, 5, 4000, 200_000])
    ends = np.array([5, 5, 9, 4002, 300_000])
    wanted = np.concatenate([values[start:end] for start, end in zip(starts, ends)])
    np.testing.assert_array_equal(array.take_stretches(starts, ends), wanted)


@pytest.mark.parametrize("offset", [0.0, 1e6, -3e7])
@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_a_scaling_learned_piece_by_piece_is_that_of_all_rows_at_once(offset, batch, tmp_path):
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(150, 6)) * 10.0 ** np.arange(-2, 4) + offset).astype(np.float32)
    features[:, 2] = np.float32(offset + 0.1)
    data = Dataset(features, rng.random((150, 3)) < 0.3)
    rows = rng.random(150) < 0.7
    disk = write_disk(data, tmp_path / "d")
    for source in (data, disk):
        for chosen in (None, rows, rng.permutation(np.flatnonzero(rows))):
            found = streamed_scaling(source, chosen, batch=batch)
            wanted = fit_scaling(features if chosen is None else features[chosen])
            np.testing.assert_allclose(found.shift, wanted.shift, rtol=1e-12)
            np.testing.assert_allclose(found.scale, wanted.scale, rtol=1e-12)
    assert found.scale[2] == np.inf
    in_pieces = streamed_scaling(pieces(data, 100))
    np.testing.assert_allclose(in_pieces.scale, fit_scaling(features).scale, rtol=1e-12)


def test_the_scaling_of_sparse_rows_and_the_counts_of_labels_are_those_of_all_rows(tmp_path):
    data = make(sparse=True)
    disk = write_disk(data, tmp_path / "d")
    rows = data.split == 0
    for chosen in (None, rows):
        some = data if chosen is None else data.rows(chosen)
        assert streamed_scaling(disk, chosen, batch=5) == fit_scaling(some.features)
        counts = streamed_label_counts(disk, chosen, batch=5)
        np.testing.assert_array_equal(counts.present, some.labels.sum(axis=0))
        np.testing.assert_array_equal(counts.observed, some.where.sum(axis=0))
    for learn in (streamed_scaling, streamed_label_counts):
        with pytest.raises(DataError, match="there are no rows to"):
            learn(disk, np.zeros(57, bool))
        with pytest.raises(ValueError, match="rows cannot be chosen from pieces"):
            learn(pieces(data, 5), rows)
        with pytest.raises(ValueError, match="batch must be at least 1"):
            learn(disk, batch=0)


def test_a_file_or_folder_takes_its_place_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("former")
    for error in (RuntimeError, KeyboardInterrupt):
        stack = contextlib.ExitStack()
        stack.enter_context(new_file(path)).write_text("half")
        stack.__exit__(error, error(), None)
        assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "former"
    with new_file(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "former"
    assert path.read_text() == "new"
    with pytest.raises(DataError, match="is a folder, not a file"), new_file(tmp_path):
        pass
    with new_folder(tmp_path / "f") as beside:
        (beside / "one").touch()
    with pytest.raises(DataError, match="is not empty"), new_folder(tmp_path / "f"):
        pass
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.txt", "f"]


def test_files_are_closed_when_nobody_asks_for_rows_any_more(tmp_path):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    disk = write_disk(make(), tmp_path / "d")
    disk.rows(np.array([0]))
    del disk
    assert before is None or len(os.listdir("/proc/self/fd")) == before


@pytest.mark.slow
def test_a_data_set_of_800_megabytes_is_written_and_read_in_an_eighth_of_it(tmp_path):
    code = f"""
    import resource
    import numpy as np
    from mlj.data import Dataset, write_disk
    from mlj.data.streamed import streamed_scaling

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    base = peak()
    rng = np.random.default_rng(0)
    def pieces():
        for _ in range(100):
            yield Dataset(rng.normal(size=(2000, 1000)).astype(np.float32), rng.random((2000, 50)) < 0.1)
    disk = write_disk(pieces(), {str(tmp_path / "d")!r})
    for _ in range(20):
        disk.rows(rng.integers(0, disk.num_samples, 2000))
    streamed_scaling(disk, batch=2000)
    disk.verify()
    print(disk.num_samples, peak() - base)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    rows, megabytes = ran.stdout.split()
    assert int(rows) == 200_000
    assert float(megabytes) < 100
