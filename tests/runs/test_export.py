"""An exported model: one program for every platform that says what the saved model says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("flatbuffers", reason="jax.export writes programs with the package flatbuffers")

from mlj.approaches.table import JOINT_APPROACHES, get_approach
from mlj.comparison.saved import FORMAT, SavedModel, load_chosen, write_model
from mlj.comparison.tasks import label_sizes, make_task
from mlj.data import Dataset, Hierarchy
from mlj.data.scaling import Scaling, apply_scaling, fit_scaling
from mlj.decision import PlattScaling, from_json
from mlj.exported import load_exported
from mlj.runs import TrainConfig, train
from mlj.runs.exporting import export_model, export_run, scale_dense, scale_sparse
from mlj.storage import Damaged, read_folder, write_folder

TOLERANCE = {"rtol": 2e-6, "atol": 2e-6}
KINDS = {
    "dense": ("zlpr", {"rule": "threshold", "threshold": 0.0}, None, {}),
    "large_offsets": (
        "zlpr",
        {"rule": "label_thresholds", "thresholds": [0.0, 0.1, -0.1]},
        None,
        {"offset": 1e6},
    ),
    "sparse": ("zlpr", {"rule": "expected_f1"}, None, {"sparse": True}),
    "count_head": ("softmax_count_mse:softplus", {"rule": "count_top_k"}, None, {}),
    "labelsets": ("label_powerset", None, "expected_f1_labelsets", {}),
    "chain_by_beam": ("classifier_chain", None, "beam", {"sparse": True}),
}
TRAINED_OTHERWISE = {
    "sequence_gru_rare_first",
    "sequence_gru_learned_order",
    "sequence_gru_order_free",
}
"""Approaches that predict and decode as sequence_gru does."""


def _data(rows=48, sparse=False, offset=0.0):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 5))
    labels = (features @ rng.normal(size=(5, 3)) + 0.5 * rng.normal(size=(rows, 3)) > 0).astype(int)
    features = (features + offset * np.arange(1, 6)).astype(np.float32)
    if sparse:
        features = sp.csr_array(np.where(rng.random(features.shape) < 0.5, features, 0))
    return Dataset(features, labels, label_names=("sea", "sky", "sun"))


def _model(contender, rule, decoder, data, noise=1.0):
    """Return a model with noise in its parameters; of size 1, every row is decided in its own way."""
    sizes = label_sizes(data.label_matrix, missing=False, hierarchy=data.hierarchy)
    options = {"hidden": (8,), "dropout": 0.0, "input_dropout": 0.0}
    approach = get_approach(contender).make(make_task("mlp", options, 5, sizes))
    arrays = jax.tree.map(jnp.asarray, approach.options(data.labels, None))
    rng = np.random.default_rng(5)
    params = jax.tree.map(
        lambda leaf: leaf + noise * rng.normal(size=leaf.shape).astype(leaf.dtype),
        approach.init(jax.random.key(0), arrays),
    )
    info = {
        "format": FORMAT,
        "contender": contender,
        "metric": "micro_f1",
        "model": "mlp",
        "model_options": options,
        "sizes": sizes,
        "label_names": list(data.label_names),
        "feature_names": list(data.feature_names),
        "decoder": decoder,
    }
    rule = None if rule is None else from_json(rule)
    platt = PlattScaling(jnp.array(0.5), jnp.array(0.1))
    return SavedModel(info, approach, params, arrays, fit_scaling(data.features), rule, platt)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Return a function from a kind to its run folder, made and exported once."""
    made: dict[str, Path] = {}

    def export(kind: str) -> Path:
        if kind not in made:
            run = made[kind] = tmp_path_factory.mktemp(kind)
            *facts, options = KINDS[kind]
            write_model(_model(*facts, _data(**options)), run / "model")
            export_run(run)
        return made[kind]

    return export


def _agree(exported, saved, features, sizes):
    wanted = saved.judge(features)
    for rows in sizes:
        found = exported.judge(features[:rows])
        assert [array.dtype for array in found] == [np.float32, np.float32, bool]
        assert [array.shape for array in found] == [(rows, 3)] * 3
        np.testing.assert_allclose(found.scores, wanted.scores[:rows], **TOLERANCE)
        np.testing.assert_allclose(found.probs, wanted.probs[:rows], **TOLERANCE)
        np.testing.assert_array_equal(found.predictions, wanted.predictions[:rows])
    return wanted


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_model_says_what_the_saved_model_says_of_any_number_of_rows(exports, kind):
    run = exports(kind)
    exported, saved = load_exported(run / "exported"), load_chosen(run / "model")
    assert exported.label_names == ["sea", "sky", "sun"]
    # A chain takes seconds to compile: two numbers of rows that are filled up to the same one.
    sizes = (5, 7) if kind == "chain_by_beam" else (0, 1, 7)
    predictions = _agree(exported, saved, _data(**KINDS[kind][-1]).features[:7], sizes).predictions
    assert 0 < predictions.mean() < 1


@pytest.mark.slow
def test_a_run_that_was_trained_is_exported(tmp_path):
    config = TrainConfig(approach="sequence_gru", max_epochs=1, hidden=(8,))
    run = train(_data(), config, tmp_path)
    _agree(load_exported(export_run(tmp_path)), run.model, _data().features[:7], (1, 7))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sparse"),
    [
        *((name, False) for name in JOINT_APPROACHES if name not in TRAINED_OTHERWISE),
        # How sparse rows are read is the same in every approach.
        ("label_graph", True),
        ("rakel_overlapping", True),
    ],
)
def test_every_approach_and_decoder_is_exported_for_every_platform(tmp_path, name, sparse):
    data = _data(sparse=sparse)
    if name == "coherent":
        hierarchy = Hierarchy.from_edges(data.label_names, [("sea", "sky")])
        closed = hierarchy.close(data.labels)
        data = Dataset(data.features, closed, label_names=data.label_names, hierarchy=hierarchy)
    for decoder in [*_model(name, None, None, data).approach.decoders, None]:
        rule = {"rule": "threshold", "threshold": 0.0} if decoder is None else None
        # Noise of size 1 makes a deep model turn a last digit of its features into 1e-5 of its scores.
        write_model(_model(name, rule, decoder, data, noise=0.2), tmp_path / "model")
        exported = load_exported(export_run(tmp_path))
        assert exported.platforms == ("cpu", "cuda", "tpu")
        _agree(exported, load_chosen(tmp_path / "model"), data.features[:7], (1, 7))


def test_one_program_is_for_cpu_cuda_and_tpu_and_needs_only_jax(exports):
    run = exports("dense")
    files = read_folder(run / "exported")
    program = jax.export.deserialize(bytearray(files["model.jaxexport"]))
    assert program.platforms == load_exported(run / "exported").platforms == ("cpu", "cuda", "tpu")
    assert [str(side) for side in program.in_avals[0].shape] == ["b", "5"]
    features = _data().features[:3]
    scores, _, predictions = jax.jit(program.call)(jnp.asarray(features))
    wanted = load_chosen(run / "model").judge(features)
    np.testing.assert_allclose(scores, wanted.scores, **TOLERANCE)
    np.testing.assert_array_equal(predictions, wanted.predictions)


def test_sparse_rows_may_have_any_number_of_entries_in_any_order(exports):
    exported = load_exported(exports("sparse") / "exported")
    assert [one["shape"] for one in exported.facts["inputs"]] == [["b", "w"], ["b", "w"]]
    tidy = sp.csr_array(np.array([[0, 3, 0, 1, 0], [0, 0, 0, 0, 0]], np.float32))
    untidy = sp.csr_array((np.array([1.0, 1.0, 2.0]), np.array([3, 1, 1]), np.array([0, 3, 3])), (2, 5))
    for one, other in zip(exported.judge(tidy), exported.judge(untidy.astype(np.float64))):
        np.testing.assert_array_equal(one, other)


def test_parameters_that_are_too_large_for_constants_are_read_from_their_file(exports, tmp_path, monkeypatch):
    run = exports("dense")
    monkeypatch.setattr("mlj.runs.exporting.MOST_BAKED", 0)
    exported = load_exported(export_run(run, tmp_path / "out"))
    assert exported.facts["arrays"]
    features = _data().features
    baked = load_exported(run / "exported")
    for one, other in zip(exported.judge(features), baked.judge(features)):
        np.testing.assert_allclose(one, other, **TOLERANCE)


def test_rows_are_taken_in_blocks_with_the_same_result(exports):
    exported = load_exported(exports("dense") / "exported")
    features = _data().features[:11]
    in_blocks = replace(exported, facts={**exported.facts, "rows_at_once": 4})
    for one, other in zip(exported.judge(features), in_blocks.judge(features)):
        np.testing.assert_allclose(one, other, **TOLERANCE)


def test_a_model_without_a_decision_gives_none(exports, tmp_path):
    model = load_chosen(exports("dense") / "model")._replace(rule=None)
    assert [aval.shape[1] for aval in export_model(model).exported.out_avals] == [3, 3]


@pytest.mark.parametrize("name", ["model.jaxexport", "export.json", "params.safetensors", "manifest.json"])
def test_a_folder_with_a_single_flipped_bit_is_refused(exports, tmp_path, name):
    files = read_folder(exports("dense") / "exported")
    write_folder(tmp_path / "out", files)
    content = bytearray((tmp_path / "out" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "out" / name).write_bytes(content)
    with pytest.raises(Damaged, match=name.replace(".", r"\.")):
        load_exported(tmp_path / "out")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model.jaxexport": b"\x80\x04K\x01."}, "cannot read this program"),
        ({"model.jaxexport": b""}, "cannot read this program"),
        ({"export.json": b'{"format": "other"}'}, "wanted format 'mlj-export-1'"),
        ({"export.json": b"["}, "not an exported model"),
    ],
    ids=["pickle", "empty", "other_format", "no_json"],
)
def test_a_whole_folder_that_holds_something_else_is_refused(exports, tmp_path, changed, said):
    write_folder(tmp_path / "out", read_folder(exports("dense") / "exported") | changed)
    with pytest.raises(ValueError, match=said):
        load_exported(tmp_path / "out")


def test_without_flatbuffers_the_error_names_the_package(exports, tmp_path, monkeypatch):
    run = exports("dense")
    monkeypatch.setattr("mlj.exported.names.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs the package flatbuffers: pip install"):
        export_run(run, tmp_path / "out")
    with pytest.raises(ValueError, match="needs the package flatbuffers: pip install"):
        load_exported(run / "exported")


def test_a_saved_model_is_no_exported_one(exports):
    with pytest.raises(ValueError, match=r"export\.json' is missing"):
        load_exported(exports("dense") / "model")


def test_a_program_that_calls_out_of_xla_is_refused(exports, tmp_path):
    name = "xla_ffi_python_cpu_callback"
    calls = jax.ffi.ffi_call(name, jax.ShapeDtypeStruct((2, 5), np.float32))
    allowed = [jax.export.DisabledSafetyCheck.custom_call(name)]
    foreign = jax.export.export(jax.jit(calls), disabled_checks=allowed)
    program = foreign(jax.ShapeDtypeStruct((2, 5), np.float32))
    files = read_folder(exports("dense") / "exported")
    write_folder(tmp_path / "out", files | {"model.jaxexport": bytes(program.serialize())})
    with pytest.raises(ValueError, match=r"calls xla_.*callback, which no exported model does"):
        load_exported(tmp_path / "out")


def test_features_of_another_width_or_kind_are_told(exports):
    dense, sparse = (load_exported(exports(kind) / "exported") for kind in ("dense", "sparse"))
    with pytest.raises(ValueError, match=r"with D = 5, got shape \[2, 4\]"):
        dense.judge(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"with D = 5, got shape \[5\]"):
        dense.judge(np.zeros(5))
    with pytest.raises(ValueError, match=r"with D = 5, got shape \[2, 6\]"):
        sparse.judge(sp.csr_array((2, 6)))
    with pytest.raises(TypeError, match=r"takes a dense array.*got a sparse"):
        dense.judge(sp.csr_array((2, 5)))
    with pytest.raises(TypeError, match=r"takes a SciPy sparse array.*got a dense"):
        sparse.judge(np.zeros((2, 5)))
    with pytest.raises(TypeError, match="got dtype <U1"):
        dense.judge(np.array([["a"] * 5]))


def test_large_offsets_keep_their_digits_in_float32():
    rng = np.random.default_rng(1)
    features = (rng.normal(size=(64, 4)) + np.array([1e6, -3e6, 1e4, 0])).astype(np.float32)
    scaling = fit_scaling(features)
    found = jax.jit(lambda x: scale_dense(scaling, x))(features)
    np.testing.assert_allclose(found, apply_scaling(scaling, features), rtol=1e-6, atol=1e-7)
    single = (features - scaling.shift.astype(np.float32)) / scaling.scale.astype(np.float32)
    assert np.abs(single - apply_scaling(scaling, features)).max() > 1e-3


def test_extreme_and_empty_sparse_rows_are_scaled_as_in_float64():
    values = np.array([[1e30, -1e30], [1e-25, 0], [0, 0], [3, 4]], np.float32)
    wanted = apply_scaling(Scaling(None, None, 2.0), sp.csr_array(values)).toarray()
    found = scale_sparse(2.0, jnp.broadcast_to(jnp.arange(2), (4, 2)), jnp.asarray(values))
    np.testing.assert_allclose(found.values, wanted, rtol=1e-6)


def test_loading_and_asking_takes_neither_flax_nor_the_code_of_the_model(exports):
    code = (
        "import sys, numpy as np\n"
        "from mlj.exported import load_exported\n"
        "print(load_exported(sys.argv[1]).judge(np.ones((2, 5))).predictions.shape)\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'flax', 'optax', 'sklearn', 'tyro'})\n"
        "print(*sorted(name for name in sys.modules if name.startswith('mlj.') and name.count('.') == 1))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(exports("dense") / "exported")],
        capture_output=True,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["(2, 3)", "", "mlj.exported mlj.storage"]


def test_the_command_exports_and_says_what_was_written(exports, tmp_path, capsys):
    from mlj.cli.export import run

    assert run([str(exports("dense")), "--out", str(tmp_path / "new" / "out")]) == 0
    said = capsys.readouterr().out
    assert "takes features [b, 5]; runs on cpu, cuda, tpu" in said
    readme = read_folder(tmp_path / "new" / "out")["README.txt"].decode()
    assert len(readme.splitlines()) == 10
    assert json.loads(read_folder(tmp_path / "new" / "out")["export.json"])["calling_convention_version"] >= 9
