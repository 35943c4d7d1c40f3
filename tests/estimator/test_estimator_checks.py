"""The checks of scikit-learn, and which of them cannot hold for a multi-label classifier."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import (
    check_classifier_multioutput,
    check_decision_proba_consistency,
    estimator_checks_generator,
)

from mlj.sklearn import MultiLabelClassifier

EXPECTED_FAILED_CHECKS = {
    "check_supervised_y_2d": (
        "a column of zeros and ones is multi-hot with one label and is given back as a column; "
        "the check wants a warning and a vector"
    ),
}
NOTHING_IS_COMPILED = {
    "check_classifier_not_supporting_multiclass",
    "check_classifiers_one_label",
    "check_classifiers_regression_target",
    "check_complex_data",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_empty_data_messages",
    "check_estimators_unfitted",
    "check_fit1d",
    "check_fit2d_1sample",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_requires_y_none",
    "check_set_params",
    "check_supervised_y_no_nan",
    "check_valid_tag_types",
}
"""Checks that are quick; each of the others trains on data of a shape of its own."""


def _checks():
    for estimator, check in estimator_checks_generator(MultiLabelClassifier()):
        name = check.func.__name__
        marks = [] if name in NOTHING_IS_COMPILED else [pytest.mark.slow]
        if name in EXPECTED_FAILED_CHECKS:
            marks.append(pytest.mark.xfail(reason=EXPECTED_FAILED_CHECKS[name], strict=True))
        options = "-".join(f"{option}={value}" for option, value in check.keywords.items())
        yield pytest.param(estimator, check, id=f"{name}-{options}".rstrip("-"), marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_a_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("check", [check_classifier_multioutput, check_decision_proba_consistency])
def test_a_label_is_decided_at_half_its_probability_where_the_rule_says_so(check):
    check("MultiLabelClassifier", MultiLabelClassifier(rule="half", random_state=0))
