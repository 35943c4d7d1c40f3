"""What a loss refuses and with which words, the tables of losses, and the mean over samples."""

from __future__ import annotations

import inspect
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.losses import (
    BATCH_LOSSES,
    LOSS_INFO,
    LOSSES,
    LossInfo,
    get_loss,
    mean_over_samples,
    multi_output_cross_entropy,
    pairwise_logistic,
    sigmoid_cross_entropy,
    sigmoid_focal,
    softmax_count_mse,
    zlpr,
)
from mlj.testing import case_of
from mlj.testing.case import as_inputs, random_inputs, run

S = jnp.zeros((2, 3))
PUBLIC = [name for name in LOSSES if case_of(name).loss is LOSSES[name]]
"""Losses whose case needs no adapter, so that their messages speak of what was given."""

BINARY_FIRST = [
    pytest.param(name, marks=() if LOSS_INFO[name].family == "binary" else pytest.mark.slow)
    for name in LOSSES
]
"""All losses. What shared code keeps for all is tested with the slow tests for other families than binary."""


def good(name):
    """Return logits, labels and further inputs of two ordinary samples."""
    case = case_of(name)
    logits, labels = random_inputs(case)
    extras, axes = as_inputs(case.further(labels), jnp.float32), case.per_sample()
    few = {key: array if axes[key] is None else array[40:42] for key, array in extras.items()}
    return jnp.asarray(logits[40:42]), jnp.asarray(labels[40:42]), few


@pytest.mark.parametrize("name", PUBLIC)
def test_a_loss_names_itself_and_both_shapes_when_they_differ(name):
    case, (logits, labels, extras) = case_of(name), good(name)
    wrong = [labels[:1], labels[0], *([labels[:, :1], labels[:, :2]] if case.per_label else [])]
    for array in wrong:
        with pytest.raises(ValueError, match=f"{name}: (labels|targets)"):
            LOSSES[name](logits, array, **extras)
    with pytest.raises(ValueError, match=rf"{name}: where \[3\]"):
        LOSSES[name](logits, labels, where=jnp.ones(3, bool), **extras)
    if case.weighted:
        with pytest.raises(ValueError, match=rf"{name}: weights \[2, 1\]"):
            LOSSES[name](logits, labels, weights=jnp.ones((2, 1)), **extras)


@pytest.mark.parametrize("name", [name for name in PUBLIC if LOSS_INFO[name].inputs])
def test_a_loss_refuses_a_further_input_of_the_wrong_shape_by_name(name):
    logits, labels, extras = good(name)
    for key, array in extras.items():
        for wrong in (array[None], array[..., :-1] if array.ndim > 1 else array[:1]):
            with pytest.raises(ValueError, match=f"{name}: {key}"):
                LOSSES[name](logits, labels, **{**extras, key: wrong})


@pytest.mark.parametrize("name", PUBLIC)
def test_a_loss_refuses_the_wrong_dtype_by_name(name):
    case, (logits, labels, extras) = case_of(name), good(name)
    prediction = LOSS_INFO[name].prediction.split()[0]
    with pytest.raises(TypeError, match=f"{name}: {prediction} must be floating-point, got int32"):
        LOSSES[name](logits.astype(jnp.int32), labels, **extras)
    with pytest.raises(TypeError, match=f"{name}: where must be bool, got float32"):
        LOSSES[name](logits, labels, where=jnp.ones(labels.shape), **extras)
    with pytest.raises((TypeError, ValueError), match=f"{name}: (labels|targets) must be"):
        LOSSES[name](logits, labels.astype(jnp.complex64), **extras)
    if case.per_label:
        with pytest.raises(ValueError, match=f"{name}: logits"):
            LOSSES[name](jnp.float32(0), jnp.float32(0), **extras)
        with pytest.raises(ValueError, match=f"{name}: logits"):
            LOSSES[name](logits[..., :0], labels if case.classes else labels[..., :0], **extras)


@pytest.mark.parametrize("name", [name for name in PUBLIC if case_of(name).hyper])
def test_a_loss_refuses_a_hyper_parameter_that_is_not_a_scalar(name):
    logits, labels, extras = good(name)
    for hyper, _ in case_of(name).hyper:
        with pytest.raises(ValueError, match=rf"{name}: {hyper} must be a scalar, got shape \[3\]"):
            LOSSES[name](logits, labels, **extras, **{hyper: jnp.ones(3)})


@pytest.mark.parametrize("name", LOSSES)
def test_everything_but_the_first_two_arguments_is_keyword_only_and_masks_come_last(name):
    parameters = list(inspect.signature(LOSSES[name]).parameters.values())
    assert parameters[0].name == LOSS_INFO[name].prediction.split()[0]
    assert all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in parameters[:2])
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters[2:])
    last = ["weights", "where"] if case_of(name).weighted else ["where"]
    assert [p.name for p in parameters[-len(last) :]] == last


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_documented_in_the_order_of_the_house(name):
    heads = ["Args:", "Returns:", "Raises:", "Reference:", ">>> "]
    text = inspect.getdoc(LOSSES[name])
    places = [text.find(head) for head in [".. math::", *heads]]
    assert -1 not in places, f"{name} lacks {[h for h, at in zip(['math', *heads], places) if at < 0]}"
    assert places == sorted(places)
    for parameter in inspect.signature(LOSSES[name]).parameters:
        assert f"\n    {parameter}: " in text, f"{name} does not explain {parameter}"


@pytest.mark.parametrize("name", BINARY_FIRST)
def test_bool_integer_and_float_labels_cost_the_same(name):
    if case_of(name).classes:
        return
    logits, labels, extras = good(name)

    @jax.jit
    def costs(labels):
        dtypes = (jnp.float32, jnp.bool_, jnp.int8)
        return [case_of(name).loss(logits, labels.astype(dtype), **extras) for dtype in dtypes]

    wanted, *others = costs(labels)
    assert np.any(wanted != 0)
    for found in others:
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", BINARY_FIRST)
def test_a_label_that_is_not_a_number_does_not_pass_for_absent(name):
    if case_of(name).classes:
        return
    logits, labels = random_inputs(case_of(name))
    labels[::2, 1] = np.nan
    costs, _, _ = run(case_of(name), logits, labels)
    np.testing.assert_array_equal(np.isnan(costs), np.arange(len(labels)) % 2 == 0)


def test_class_numbers_must_be_integers():
    with pytest.raises(TypeError, match="labels must be integer class numbers, got float32"):
        multi_output_cross_entropy(jnp.zeros((2, 3, 4)), jnp.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"class_where must be \[3, 4\], got \[4\]"):
        multi_output_cross_entropy(
            jnp.zeros((2, 3, 4)), jnp.zeros((2, 3), jnp.int32), class_where=jnp.ones(4, bool)
        )


def test_the_count_is_checked():
    with pytest.raises(ValueError, match=r"softmax_count_mse: log_count must be \[2\], got \[2, 3\]"):
        softmax_count_mse(S, S, log_count=S)
    with pytest.raises(TypeError, match="log_count must be floating-point, got int32"):
        softmax_count_mse(S, S, log_count=jnp.zeros(2, jnp.int32))


@pytest.mark.parametrize("wrong", [0, -1, 2.5])
def test_max_present_must_be_a_positive_integer(wrong):
    with pytest.raises(ValueError, match="max_present must be a positive integer"):
        pairwise_logistic(S, S, max_present=wrong)


def test_the_tables_agree_and_cannot_be_written_to():
    assert [*LOSSES, *BATCH_LOSSES] == list(LOSS_INFO)
    assert all(name == loss.__name__ for name, loss in LOSSES.items())
    with pytest.raises(TypeError):
        LOSSES["mine"] = sigmoid_cross_entropy
    assert get_loss("zlpr") is zlpr
    with pytest.raises(ValueError, match="did you mean 'pairwise_hinge'"):
        get_loss("pairwise_hing")


def test_the_facts_about_losses_use_known_words():
    words = LossInfo.__doc__
    for name, info in LOSS_INFO.items():
        for word in (*info.labels, *info.rules, info.calibration):
            assert f"``{word}``" in words, f"{name}: {word}"
        assert all((info.link, info.cost, info.source, info.scale, info.family))
    for name, loss in LOSSES.items():
        assert set(LOSS_INFO[name].inputs) == {
            key
            for key, parameter in list(inspect.signature(loss).parameters.items())[2:]
            if parameter.default is inspect.Parameter.empty
        }


def test_importing_the_losses_needs_jax_alone():
    code = (
        "import sys; sys.modules.update({name: None for name in "
        "('flax', 'optax', 'chex', 'matplotlib', 'sklearn', 'tyro', 'scipy.stats')}); import mlj.losses"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_mean_over_samples_maps_every_keyword_that_is_given():
    rng = np.random.default_rng(0)
    s, y = (jnp.asarray(rng.normal(size=(4, 4)), jnp.float32) for _ in range(2))
    y, where, weights = y > 0, y > -1, jnp.abs(y) + 0.1
    found = mean_over_samples(zlpr)(s, y, where=where, weights=weights)
    np.testing.assert_allclose(found, zlpr(s, y, where=where, weights=weights).mean(), rtol=1e-6)
    assert mean_over_samples(zlpr)(s, y, where=None) == mean_over_samples(zlpr)(s, y)
    count = jnp.arange(4.0)
    found = mean_over_samples(softmax_count_mse)(s, y, log_count=count)
    np.testing.assert_allclose(found, softmax_count_mse(s, y, log_count=count).mean(), rtol=1e-6)


def test_the_mean_over_samples_refuses_what_it_would_slice_or_cannot_map():
    objective = mean_over_samples(sigmoid_focal)
    square = jnp.zeros((3, 3))
    with pytest.raises(ValueError, match=r"gamma has no sample axis; bind it to the loss first"):
        objective(square, square, gamma=2.0)
    with pytest.raises(ValueError, match="labels has 2 samples, logits have 3"):
        objective(square, square[:2])
    with pytest.raises(ValueError, match=r"weights \[\] must have the shape of logits \[3\]"):
        objective(square, square, weights=jnp.ones(3))
    with pytest.raises(ValueError, match=r"logits must be \[B, ...\], got \[\]"):
        objective(jnp.float32(0), square[0])
    with pytest.raises(ValueError, match=r"logits need a label axis"):
        objective(square[0], square[0])


def test_the_mean_over_samples_refuses_a_loss_of_a_whole_batch():
    assert BATCH_LOSSES
    for name, loss in BATCH_LOSSES.items():
        with pytest.raises(ValueError, match=f"{name} is a loss of a whole batch"):
            mean_over_samples(partial(loss))
        with pytest.raises(ValueError, match="BATCH_LOSSES"):
            get_loss(name)


def test_no_samples_have_mean_zero_and_the_mean_of_huge_costs_is_finite():
    objective = mean_over_samples(sigmoid_cross_entropy)
    assert objective(jnp.zeros((0, 3)), jnp.zeros((0, 3))) == 0
    assert np.isfinite(objective(jnp.full((8, 3), 3e38), jnp.zeros((8, 3))))


def test_a_sweep_over_values_compiles_once():
    traces = []

    @jax.jit
    def step(gamma):
        traces.append(gamma)
        loss = mean_over_samples(partial(sigmoid_focal, gamma=gamma))
        return jax.grad(loss)(S, jnp.ones((2, 3)))

    for gamma in (0.0, 0.5, 2.0):
        step(gamma)
    assert len(traces) == 1
