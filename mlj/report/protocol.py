"""The protocol of a comparison in full sentences, read from its results."""

from __future__ import annotations

from mlj.report.findings import of_learning_rates
from mlj.report.reading import (
    LOGISTIC,
    PRIOR,
    Results,
    contenders,
    headline_metrics,
    is_decided,
    leading_metric,
    metric_title,
    numbers,
)
from mlj.report.words import count, listed, plain


def paragraphs(results: Results) -> list[tuple[str, str]]:
    """Return the protocol as titled paragraphs."""
    return [
        ("Rows.", _rows(results)),
        ("Model and training.", _training(results)),
        ("What was chosen, and on what.", _choices(results)),
        ("Decision rules.", _rules()),
        ("Final models.", _final(results)),
        ("Probabilities.", _probabilities()),
        ("Floors.", _floors()),
        ("What the test says.", _test(results)),
        ("What is left out.", _left_out(results)),
    ]


def _rows(results: Results) -> str:
    protocol = results["protocol"]
    rows, origin = protocol["rows"], protocol["origin"]
    return (
        f"The test part is {origin['test']} ({count(rows['test'], 'row')}). The validation part is "
        f"{origin['validation']} ({count(rows['validation'], 'row')}; {rows['train']:,} are left to train "
        f"on). There are {count(len(protocol['seeds']), 'seed')}: {', '.join(map(str, protocol['seeds']))}. "
        "A seed sets the validation part where that is drawn, the initial parameters, the order of the "
        "samples and the dropout."
    )


def _model_word(protocol: Results) -> str:
    return "models" if ", then " in protocol["model"] else "model"


def _training(results: Results) -> str:
    protocol = results["protocol"]
    options = ", ".join(
        f"{key.replace('_', ' ')} {_setting(value)}" for key, value in protocol["model_options"].items()
    )
    rates = listed([plain(rate) for rate in protocol["learning_rates"]])
    decay = f"weight decay {plain(protocol['weight_decay'])}"
    return (
        f"Every loss trains the same {_model_word(protocol)}, {protocol['model']} ({options}), "
        f"by {protocol['optimizer']} with {decay}, batches of {protocol['batch_size']}, at most "
        f"{protocol['max_epochs']} epochs, the same learning rates ({rates}) and the same seeds. A run "
        f"stops after {protocol['patience']} epochs without a better validation value. "
        f"{of_learning_rates(results)}"
    )


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(_setting(item) for item in value) or "none"
    return plain(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _choices(results: Results) -> str:
    metric = leading_metric(results)
    title = metric_title(results, metric)
    at = ", taken at its best single threshold on those rows," if is_decided(results, metric) else ""
    return (
        "Everything was chosen on validation rows. The epoch and the learning rate of a loss are those of "
        f"the best validation {title}{at} the rate by its mean over the seeds. The decision rule of a loss, "
        "and the loss itself, were then chosen for each of "
        f"{count(len(headline_metrics(results)), 'metric')} by the mean of that metric on validation rows. "
        "Tables and figures are ordered by validation, never by test."
    )


def _rules() -> str:
    return (
        "A rule that has something to fit is judged by cross-fitting: the rows of each fifth of the "
        "validation part are decided by a rule that was fitted on the other four fifths, so that a rule "
        "with many thresholds is not judged by the rows that it fitted. The rule that decides on test rows "
        "is fitted on the whole validation part."
    )


def _final(results: Results) -> str:
    rows = results["protocol"]["rows"]
    return (
        "With the rate and, for each seed, the epoch so chosen, every loss was trained once more on all "
        f"{rows['train'] + rows['validation']:,} rows that may be learned from. These models were scored on "
        "the test part once. Their thresholds are those of the models before, which had not seen the "
        "validation rows; the scores of the two need not lie on quite the same scale."
    )


def _probabilities() -> str:
    return (
        "Scores became probabilities by one logistic curve for each loss and seed, p = 1 / (1 + exp(−(a s "
        "+ b))) (Platt scaling), fitted on the validation rows over all labels. Brier score, log-loss and "
        "calibration error are of these probabilities, for losses without probabilities of their own too. "
        "On validation rows they are of the rows that the two numbers of the curve were fitted on."
    )


def _floors() -> str:
    return (
        f"{PRIOR} gives every row the shares of the labels and never looks at the features. {LOGISTIC} is "
        "logistic regression for each label by itself (scikit-learn, L2, C = 1) on the same scaled "
        "features; it has no randomness, so its seeds differ only by the fitted rule and curve. Floors are "
        "not eligible as a choice."
    )


def _test(results: Results) -> str:
    seeds = len(results["protocol"]["seeds"])
    return (
        "Each contender and floor, with its own rule, was compared with the chosen contender by a "
        f"two-sided paired t-test over the {seeds} seeds, corrected for the number of comparisons under the "
        "metric by Holm’s method. A small p says that so steady a difference would be rare if only the "
        "luck of the seed made it. It does not say that the difference would show on other test rows or on "
        "other data: all seeds share the test part, and their models the rows they learned from. With "
        f"{seeds} seeds the test sees large or very steady differences only, so “cannot be told from” is "
        "not “equal to”. The deviations (± sd, n − 1) are over seeds too."
    )


def _left_out(results: Results) -> str:
    said = []
    for metric in ("macro_average_precision", "macro_roc_auc"):
        skipped = [
            values.max()
            for name in contenders(results)
            if (values := numbers(results["contenders"][name]["test"].get(f"{metric}_skipped"))).size
        ]
        if skipped and max(skipped) > 0 and metric in results["metrics"]:
            said.append(f"{metric_title(results, metric)} leaves out {count(int(max(skipped)), 'label')}")
    skips = f"{listed(said)} for want of test rows with, or without, the label. " if said else ""
    return (
        f"Labels that were not observed count nowhere. {skips}A value that is not finite is shown as a dash, "
        "and so is a mean over seeds of which one has no value."
    )
