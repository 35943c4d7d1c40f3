"""Decisions: from scores to multi-hot predictions.

The rule moves F1 more than the loss does. Every rule is fitted on validation samples, never on test, kept
beside the model (:func:`to_json`), and applied to new scores by one function:

>>> import jax.numpy as jnp
>>> from mlj import decision
>>> scores = jnp.array([[3.0, 1.0], [2.0, -1.0], [0.5, -0.5]])
>>> labels = jnp.array([[1, 0], [1, 0], [0, 0]])
>>> rule = decision.DECISIONS["global_threshold"].fit(scores, labels, metric="micro_f1")
>>> decision.apply(rule, jnp.array([[1.8, 1.2]])).tolist()
[[True, False]]
>>> decision.to_json(rule)
{'rule': 'threshold', 'threshold': 1.5}

How to choose: ``global_threshold`` for the metric you report is hard to beat on few validation samples;
``micro_label_thresholds`` for micro-F1 and ``label_thresholds`` for macro-F1 gain on it where labels have
tens of positives; ``expected_f1`` for samples-F1 where the probabilities are calibrated;
``naive_label_thresholds`` only where every label has hundreds. Several models at once are ``jax.vmap`` of
fit and apply.

Models of whole labelsets are decoded by functions that know nothing of the model but arrays or a step
function: :func:`beam_search`, :func:`greedy` and :func:`sample` for labels one after the other,
:func:`most_probable_labelset` for labelsets in a table, :func:`sized_subset_mode` for a subset of predicted
size, :func:`iterated_modes` for coupled labels, :func:`argmax_classes` for several multi-class questions.
"""

from mlj.decision.autoregressive import (
    Path as Path,
    emission_log_odds as emission_log_odds,
    emitted_sets as emitted_sets,
    follow as follow,
    greedy as greedy,
    label_steps as label_steps,
    sample as sample,
)
from mlj.decision.beam import (
    Beam as Beam,
    beam_search as beam_search,
    best_set as best_set,
    set_log_prob as set_log_prob,
)
from mlj.decision.chains import (
    check_order as check_order,
    in_label_order as in_label_order,
    marginal_log_odds as marginal_log_odds,
)
from mlj.decision.count_distributions import (
    log_expected_count as log_expected_count,
    negative_binomial_log_probs as negative_binomial_log_probs,
    poisson_log_probs as poisson_log_probs,
    sized_set_log_prob as sized_set_log_prob,
)
from mlj.decision.counts import (
    cardinality_top_k as cardinality_top_k,
    count_head as count_head,
    expected_f1 as expected_f1,
    top_k as top_k,
)
from mlj.decision.f1_optimal import expected_f1_curve as expected_f1_curve, f1_optimal_sets as f1_optimal_sets
from mlj.decision.k_best import top_k_sets as top_k_sets
from mlj.decision.labelsets import (
    labelset_f1_optimal as labelset_f1_optimal,
    labelset_log_odds as labelset_log_odds,
    majority_of_members as majority_of_members,
    mean_log_odds as mean_log_odds,
    most_probable_labelset as most_probable_labelset,
)
from mlj.decision.mean_field import (
    ising_log_odds as ising_log_odds,
    iterated_modes as iterated_modes,
    mean_field_log_odds as mean_field_log_odds,
)
from mlj.decision.micro_thresholds import micro_label_thresholds as micro_label_thresholds
from mlj.decision.multi_output import argmax_classes as argmax_classes
from mlj.decision.one_threshold import (
    best_threshold_f1 as best_threshold_f1,
    fixed_threshold as fixed_threshold,
    global_threshold as global_threshold,
    zero_threshold as zero_threshold,
)
from mlj.decision.options import AVERAGES as AVERAGES
from mlj.decision.per_label import (
    label_thresholds as label_thresholds,
    naive_label_thresholds as naive_label_thresholds,
    shrink as shrink,
    tuned_label_thresholds as tuned_label_thresholds,
)
from mlj.decision.platt import (
    PlattScaling as PlattScaling,
    fit_platt as fit_platt,
    platt_probs as platt_probs,
)
from mlj.decision.proportion import (
    cardinality_threshold as cardinality_threshold,
    proportional_thresholds as proportional_thresholds,
)
from mlj.decision.rules import (
    CountTopK as CountTopK,
    ExpectedF1 as ExpectedF1,
    LabelThresholds as LabelThresholds,
    ProbThreshold as ProbThreshold,
    Rule as Rule,
    Threshold as Threshold,
    TopK as TopK,
    apply as apply,
)
from mlj.decision.saving import from_json as from_json, to_json as to_json
from mlj.decision.sized_subsets import (
    likeliest_size_top_k as likeliest_size_top_k,
    sized_subset_log_odds as sized_subset_log_odds,
    sized_subset_mode as sized_subset_mode,
)
from mlj.decision.table import DECISIONS as DECISIONS, Decision as Decision
