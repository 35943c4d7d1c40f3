"""Texts are compared like features: what is read of them comes from the pool and goes with the model."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.approaches import APPROACHES
from mlj.cli import main
from mlj.comparison import CompareConfig, compare, load_chosen
from mlj.comparison.parts import device_batches, make_parts
from mlj.comparison.run import make_entries
from mlj.comparison.saved import FORMAT, SavedModel, write_model
from mlj.comparison.tasks import model_options, sizes_of, task_of
from mlj.comparison.texts import BUCKETS, TokenReader
from mlj.comparison.train import in_blocks
from mlj.data import DataError, Dataset, TextDataset, Vocabulary
from mlj.data.scaling import Scaling, fit_scaling
from mlj.decision import PlattScaling, Threshold
from mlj.models import INPUTS, MODELS, TRUNKS
from mlj.storage import read_folder, write_folder

WORDS = ("salt", "wave", "cloud", "wind", "stone", "moss")
OF_TEXTS = tuple(name for name, kind in INPUTS.items() if kind != "features")


def made(rows: int = 120) -> TextDataset:
    rng = np.random.default_rng(0)
    drawn = rng.random((rows, len(WORDS))) < 0.4
    drawn[np.arange(rows), np.arange(rows) % len(WORDS)] = True
    texts = [" ".join(np.array(WORDS)[rng.permutation(np.flatnonzero(row))]) for row in drawn]
    labels = np.stack([drawn[:, 0] | drawn[:, 1], drawn[:, 2] | drawn[:, 3], drawn[:, 4]], axis=1)
    split = np.where(np.arange(rows) < rows * 3 // 4, 0, 2)
    for row in np.flatnonzero(split == 2):
        texts[row] += " lighthouse"
    return TextDataset(texts, labels, label_names=("sea", "sky", "land"), split=split, name="made")


def settings(model: str, **others) -> CompareConfig:
    return CompareConfig(model=model, seeds=2, hidden=others.pop("hidden", ()), **others)


def saved(model: str, contender: str = "zlpr") -> tuple[SavedModel, TextDataset]:
    """Return an untrained model that reads texts, with a decision."""
    data, config = made(), settings(model)
    parts = make_parts(data, config)
    approach, reader = APPROACHES[contender].make(task_of(config, parts)), parts.texts.reader(model)
    pool, _ = device_batches(parts, model)
    options = approach.options(parts.pool.labels, None)
    params = jax.tree.map(lambda leaf: 3 * leaf, jax.jit(approach.init)(jax.random.key(0), options))
    scores = approach.scores(jax.jit(approach.predict)(params, pool.features, options))[0]
    tokens = isinstance(reader, TokenReader)
    info = {"format": FORMAT, "contender": contender, "metric": "micro_f1", "decoder": None, "model": model}
    info |= {"model_options": model_options(config, sparse=True), "sizes": sizes_of(parts)}
    info |= {"label_names": data.label_names, "feature_names": [] if tokens else parts.pool.feature_names}
    made_model = SavedModel(
        info,
        approach,
        params,
        options,
        Scaling(None, None, None) if tokens else fit_scaling(parts.pool.features),
        Threshold(jnp.median(scores)),
        PlattScaling(jnp.ones(()), jnp.zeros(())),
        reader,
    )
    return made_model, data


def test_words_and_weights_are_those_of_the_rows_that_may_be_learned_from():
    data = made()
    for model in ("mlp", "kim_cnn", "bag_of_ngrams"):
        parts = make_parts(data, settings(model))
        assert set(parts.texts.pool) == {text for text in data.texts if "lighthouse" not in text}
        assert not any("lighthouse" in name for name in parts.pool.feature_names)
        assert parts.pool.feature_names == parts.texts.features.names
    vocabulary = make_parts(data, settings("kim_cnn")).texts.reader("kim_cnn").vocabulary
    assert set(vocabulary.tokens) == set(WORDS)


def test_a_text_is_read_as_far_as_most_are_long_or_as_far_as_the_settings_say():
    data = made()
    lengths = sorted(len(text.split()) for text in data.texts if "lighthouse" not in text)
    usual = make_parts(data, settings("kim_cnn")).texts.reader("kim_cnn").length
    assert usual == lengths[int(np.ceil(0.95 * (len(lengths) - 1)))]
    pool, test = device_batches(make_parts(data, settings("kim_cnn", text_length=2)), "kim_cnn")
    assert pool.features.shape[1] == test.features.shape[1] == 2
    assert pool.features.dtype == np.int32
    few = make_parts(data, settings("kim_cnn", vocabulary=3))
    assert few.texts.reader("kim_cnn").size == 5
    assert few.pool.num_features == 3


def some(model: str, *quick: str):
    """Return a model as a parameter that the default tests leave out unless it is one of ``quick``."""
    return pytest.param(model, marks=() if model in quick else pytest.mark.slow)


@pytest.mark.parametrize("model", [some(model, "bag_of_ngrams") for model in OF_TEXTS])
def test_each_model_of_texts_gives_an_output_for_each_row_and_the_same_in_blocks(model):
    config = settings(model)
    parts = make_parts(made(), config)
    approach = APPROACHES["zlpr"].make(task_of(config, parts))
    pool, _ = device_batches(parts, model)
    options = approach.options(parts.pool.labels, None)
    params = jax.jit(approach.init)(jax.random.key(0), options)
    outputs = jax.jit(approach.predict)(params, pool.features, options)
    assert outputs.shape == parts.pool.labels.shape
    assert np.std(outputs, axis=0).min() > 0
    blocked = in_blocks(approach, rows=16).predict(params, pool.features, options)
    np.testing.assert_allclose(blocked, outputs, atol=1e-5)


@pytest.mark.parametrize("model", [some(model, "bag_of_ngrams") for model in (*OF_TEXTS, "mlp")])
def test_a_saved_model_takes_raw_texts_and_says_what_it_said(model, tmp_path):
    one, data = saved(model)
    write_model(one, tmp_path / "model")
    again = load_chosen(tmp_path / "model")
    texts = list(data.texts)
    np.testing.assert_array_equal(again.predict(texts), one.predict(texts))
    assert 0 < again.predict(texts).sum() < data.labels.size
    np.testing.assert_allclose(again.probs(texts[:5]), one.probs(texts)[:5], atol=1e-6)
    _, batch = device_batches(make_parts(data, settings(model)), model)
    scores = jax.jit(one.approach.predict)(one.params, batch.features, one.options)
    test = [text for text, part in zip(data.texts, data.split) if part == 2]
    np.testing.assert_allclose(again.judge(test).scores, scores, atol=1e-5)
    assert again.predict(["", "unheard of"]).shape == (2, 3)


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("bag_of_ngrams", "vocabulary.json"),
        pytest.param("mlp", "text_features.json", marks=pytest.mark.slow),
    ],
)
def test_a_saved_model_refuses_the_vocabulary_of_another_run(model, file, tmp_path):
    one, data = saved(model)
    write_model(one, tmp_path / "model")
    files = read_folder(tmp_path / "model")
    other = make_parts(data.rows(np.arange(119, -1, -1)), settings(model, vocabulary=4)).texts.reader(model)
    write_folder(tmp_path / "model", files | {file: other.to_json().encode()})
    with pytest.raises(DataError, match="the model was made with"):
        load_chosen(tmp_path / "model")
    write_folder(tmp_path / "model", {name: content for name, content in files.items() if name != file})
    with pytest.raises(ValueError, match=f"{file} is missing"):
        load_chosen(tmp_path / "model")


def test_token_numbers_of_another_vocabulary_are_refused_by_the_reader():
    reader = make_parts(made(), settings("kim_cnn")).texts.reader("kim_cnn")
    other = Vocabulary(tuple(reversed(reader.vocabulary.tokens)))
    with pytest.raises(DataError, match="its numbers stand for other tokens"):
        reader.vocabulary.check(other.encode(["salt"]))


def test_the_wrong_kind_of_input_is_refused_by_name():
    features = Dataset(np.eye(4), np.eye(4)[:, :2], name="plain")
    with pytest.raises(
        ValueError, match="'kim_cnn' reads texts, and 'plain' has features: take one of linear"
    ):
        compare(features, settings("kim_cnn"))
    with pytest.raises(ValueError, match="'conv' takes dense images"):
        compare(made(), settings("conv"))
    with pytest.raises(TypeError, match="token numbers must be integers, got float32"):
        MODELS["bag_of_ngrams"](9, 2, rngs=nnx.Rngs(0))(jnp.ones((2, 3)))
    model, _ = saved("bag_of_ngrams")
    for wrong in ("one text", np.ones((2, 3)), [1, 2]):
        with pytest.raises(TypeError, match="the model reads texts: wanted a list of strings"):
            model.predict(wrong)
    with pytest.raises(TypeError, match=r"takes features \[N, D\]: wanted an array, got list"):
        model._replace(reader=None).predict(["one text"])


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("label_attention", {"hidden": (8,)}, "'label_attention' has no hidden; it has input_dropout"),
        ("bag_of_ngrams", {"dropout": 0.1}, "'bag_of_ngrams' has no dropout"),
        ("xml_cnn", {"hidden": (8, 8)}, "'xml_cnn' takes one hidden width"),
    ],
)
def test_a_setting_that_means_nothing_to_a_model_of_texts_is_refused(model, changes, message):
    with pytest.raises(ValueError, match=message):
        task_of(settings(model, **changes), make_parts(made(), settings(model)))


def test_settings_have_their_own_names_in_each_model_of_texts():
    options = model_options(settings("xml_cnn", hidden=(9,), input_dropout=0.4, dropout=0.3), sparse=True)
    assert (options["bottleneck"], options["embedding_dropout"], options["dropout"]) == (9, 0.4, 0.3)
    assert model_options(settings("kim_cnn", hidden=(9, 7)), sparse=True)["hidden"] == (9, 7)


def test_joint_models_stand_on_text_models_that_have_a_trunk():
    assert set(INPUTS) == set(MODELS)
    parts = make_parts(made(), settings("label_attention"))
    with pytest.raises(
        ValueError, match=r"'label_attention' has no hidden layers.*take one of kim_cnn, xml_cnn"
    ):
        APPROACHES["label_powerset"].make(task_of(settings("label_attention"), parts))


@pytest.mark.slow
def test_the_trunk_of_a_text_model_gives_as_many_numbers_as_it_says():
    for name in set(TRUNKS) & set(OF_TEXTS):
        trunk = task_of(settings(name), make_parts(made(), settings(name))).make_trunk(nnx.Rngs(0))
        assert trunk(jnp.ones((2, 3), jnp.int32)).shape == (2, trunk.num_outputs)


def test_several_models_are_entered_under_every_loss_and_each_reads_in_its_own_way():
    config = settings("mlp", models=("mlp", "bag_of_ngrams"), losses=("zlpr", "circle"))
    parts = make_parts(made(), config)
    entries = make_entries(config.losses, config, parts)
    assert list(entries) == ["mlp / zlpr", "mlp / circle", "bag_of_ngrams / zlpr", "bag_of_ngrams / circle"]
    assert [entry.config.model for entry in entries.values()] == ["mlp"] * 2 + ["bag_of_ngrams"] * 2
    assert parts.texts.reader("mlp").size == parts.pool.num_features
    assert parts.texts.reader("bag_of_ngrams").size == len(WORDS) + 2 + BUCKETS
    with pytest.raises(ValueError, match="one model is named twice"):
        settings("mlp", models=("mlp", "mlp"))
    features = Dataset(np.eye(4), np.eye(4)[:, :2], name="plain")
    with pytest.raises(ValueError, match="'kim_cnn' reads texts"):
        make_parts(features, settings("mlp", models=("mlp", "kim_cnn")))


@pytest.mark.slow
def test_the_command_line_compares_texts_and_saves_what_reads_them(tmp_path, capsys):
    data = made(160)
    paths = [tmp_path / "made.train", tmp_path / "made.test"]
    for code, path in zip((0, 2), paths):
        rows = [row for row in range(160) if data.split[row] == code]
        lines = [
            " ".join(
                [
                    *(f"__label__{n}" for n, on in zip(data.label_names, data.labels[row]) if on),
                    data.texts[row],
                ]
            )
            for row in rows
        ]
        path.write_text("\n".join(lines) + "\n")
    words = [
        "compare",
        str(paths[0]),
        "--test",
        str(paths[1]),
        "--format",
        "fasttext",
        "--models",
        "kim_cnn",
        "mlp",
    ]
    words += [
        "--losses",
        "sigmoid_cross_entropy",
        "--seeds",
        "2",
        "--learning-rates",
        "0.01",
        "--max-epochs",
        "8",
    ]
    assert main([*words, "--batch-size", "16", "--out", str(tmp_path / "out")]) == 0
    assert "160 texts, 3 labels" in capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {one["model"] for one in results["contenders"].values() if not one["floor"]} == {"kim_cnn", "mlp"}
    model = load_chosen(tmp_path / "out" / "model")
    best = results["chosen"]["micro_f1"]
    test = [text for text, part in zip(data.texts, data.split) if part == 2]
    order = [results["data"]["labels"].index(name) for name in data.label_names]
    predictions, truth = model.predict(test)[:, order], data.labels[data.split == 2]
    f1 = 2 * (predictions & (truth > 0)).sum() / (predictions.sum() + truth.sum())
    assert f1 == pytest.approx(best["test_seeds"][0], abs=1e-5)
    assert f1 > 0.9


def test_formats_of_texts_refuse_options_of_others_and_commands_that_want_features(tmp_path, capsys):
    path = tmp_path / "made.train"
    path.write_text("__label__sea salt\n")
    assert main(["compare", str(path), "--format", "fasttext", "--labels", "a"]) == 2
    assert "the format fasttext has no option 'labels'" in capsys.readouterr().err
    assert main(["pack", str(path), "--format", "fasttext", "--out", str(tmp_path / "packed")]) == 2
    assert "the format fasttext holds texts, and features are wanted" in capsys.readouterr().err
