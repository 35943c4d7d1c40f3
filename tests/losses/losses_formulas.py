"""The formulas of the losses, written out in mpmath numbers: slow, exact, and free of numerical tricks.

``formula(s, y, w, at, **rest)`` takes lists of one sample's observed logits, labels and weights. ``at`` are
the logits at which factors that the loss holds constant are computed.
"""

from __future__ import annotations

from mpmath import exp, log, mpf


def sig(x):
    return 1 / (1 + exp(-x))


def bce(s, y):
    return y * log(1 + exp(-s)) + (1 - y) * log(1 + exp(s))


def mean(terms):
    return sum(terms) / len(terms)


def sets(y):
    return [i for i, v in enumerate(y) if v > 0], [i for i, v in enumerate(y) if v <= 0]


def sigmoid_cross_entropy(s, y, w, at):
    return mean([c * bce(a, b) for a, b, c in zip(s, y, w)])


def sigmoid_focal(s, y, w, at, gamma):
    return mean(
        [c * (b * sig(-a) + (1 - b) * sig(a)) ** gamma * bce(a, b) for a, b, c in zip(s, y, w)],
    )


def asymmetric_focal(s, y, w, at, gamma_pos, gamma_neg):
    return mean(
        [
            c
            * (b * sig(-a) ** gamma_pos * log(1 + exp(-a)) + (1 - b) * sig(a) ** gamma_neg * log(1 + exp(a)))
            for a, b, c in zip(s, y, w)
        ]
    )


def asymmetric_focal_shifted(s, y, w, at, gamma_pos, gamma_neg, shift):
    total = []
    for a, b, c in zip(s, y, w):
        q = max(sig(a) - shift, mpf(0))
        # 1 - q in a form that keeps its digits when both the shift and 1 - p are small.
        miss = sig(-a) + shift if q > 0 else mpf(1)
        absent = q**gamma_neg * -log(miss)
        total.append(c * (b * sig(-a) ** gamma_pos * log(1 + exp(-a)) + (1 - b) * absent))
    return mean(total)


def poly1_sigmoid(s, y, w, at, epsilon):
    return mean(
        [c * (bce(a, b) + epsilon * (b * sig(-a) + (1 - b) * sig(a))) for a, b, c in zip(s, y, w)],
    )


def jeffreys_divergence(s, y, w, at, eps):
    total = mpf(0)
    for a, b, c in zip(s, y, w):
        if b < eps and sig(a) <= eps:
            continue
        total += c * (max(b, eps) - sig(a)) * (log(max(b, eps)) - log(sig(a)))
    return total


def clipped_jeffreys_divergence(s, y, w, at, eps):
    total = mpf(0)
    for a, b, c in zip(s, y, w):
        target, found = max(b, eps), max(sig(a), eps)
        total += c * (target - found) * (log(target) - log(found))
    return total


def hill(s, y, w, at, lam, margin, gamma):
    return mean(
        [
            c
            * (
                b * sig(margin - a) ** gamma * log(1 + exp(margin - a))
                + (1 - b) * (lam - sig(a)) * sig(a) ** 2
            )
            for a, b, c in zip(s, y, w)
        ]
    )


def nll(s, j):
    return log(sum(exp(a) for a in s)) - s[j]


def shares(y):
    total = sum(y)
    return [b / total if total > 0 else mpf(0) for b in y]


def softmax_cross_entropy(s, y, w, at):
    return sum(c * q * nll(s, j) for j, (q, c) in enumerate(zip(shares(y), w)))


def pick_all_labels(s, y, w, at):
    return sum(c * b * nll(s, j) for j, (b, c) in enumerate(zip(y, w)))


def project_on_simplex(s):
    ordered = sorted(s, reverse=True)
    size = max(t for t in range(1, len(s) + 1) if 1 + t * ordered[t - 1] > sum(ordered[:t]))
    tau = (sum(ordered[:size]) - 1) / size
    return [max(a - tau, mpf(0)) for a in s]


def sparsemax(s, y, w, at):
    q, p = shares(y), project_on_simplex(s)
    conjugate = sum(a * b - b * b / 2 for a, b in zip(s, p))
    own = sum(b * b for b in q) / 2
    return sum(c * b * (conjugate + own - a) for a, b, c in zip(s, q, w))


def zlpr(s, y, w, at):
    absent = sum(c * (1 - b) * exp(a) for a, b, c in zip(s, y, w))
    present = sum(c * b * exp(-a) for a, b, c in zip(s, y, w))
    return log(1 + absent) + log(1 + present)


def pair_sum(s, y, w, f):
    present, absent = sets(y)
    return sum((w[i] * w[j] * f(s[j] - s[i]) for i in present for j in absent), mpf(0))


def lsep(s, y, w, at):
    return log(1 + pair_sum(s, y, w, exp))


def circle(s, y, w, at, gamma, margin):
    present, absent = sets(y)
    push = [max(a + margin, 0) for a in at]
    pull = [max(1 + margin - a, 0) for a in at]
    far = sum((w[j] * exp(gamma * push[j] * (s[j] - margin)) for j in absent), mpf(0))
    near = sum((w[i] * exp(-gamma * pull[i] * (s[i] - 1 + margin)) for i in present), mpf(0))
    return log(1 + far * near)


def n_pair(s, y, w, at):
    present, absent = sets(y)
    return sum((w[i] * log(1 + sum(w[j] * exp(s[j] - s[i]) for j in absent)) for i in present), mpf(0))


def lifted_structured(s, y, w, at, margin):
    total = pair_sum(s, y, w, lambda gap: exp(gap + margin))
    return max(log(total), mpf(0)) if total > 0 else mpf(0)


def distributional_ranking(s, y, w, at, tau, smoothness, lambda_pos, lambda_neg, margin):
    present, absent = sets(y)
    p = [sig(a) for a in s]
    far, near = mpf(0), mpf(1)
    if absent:
        e = {j: w[j] * exp(p[j] / lambda_neg) for j in absent}
        far = sum(e[j] * p[j] for j in absent) / sum(e.values())
    if present:
        e = {i: w[i] * exp(-p[i] / lambda_pos) for i in present}
        near = sum(e[i] * p[i] for i in present) / sum(e.values())
    return tau / mpf(smoothness) * log(1 + exp(smoothness * (far - near + margin)))


def pair_mean(s, y, w, f):
    present, absent = sets(y)
    return pair_sum(s, y, w, f) / max(len(present) * len(absent), 1)


def pairwise_hinge(s, y, w, at):
    return pair_mean(s, y, w, lambda gap: max(1 + gap, mpf(0)))


def pairwise_logistic(s, y, w, at):
    return pair_mean(s, y, w, lambda gap: log(1 + exp(gap)))


def soft_f1(s, y, w, at):
    hits = sum(c * b * sig(a) for a, b, c in zip(s, y, w))
    false_alarms = sum(c * (1 - b) * sig(a) for a, b, c in zip(s, y, w))
    misses = sum(c * b * sig(-a) for a, b, c in zip(s, y, w))
    return 1 - 2 * hits / (2 * hits + false_alarms + misses)


def divergence(s, y, w):
    total = mpf(0)
    for j, (q, c) in enumerate(zip(shares(y), w)):
        total += c * q * (log(q) + nll(s, j)) if q > 0 else 0
    return total


def softmax_count_mse(s, y, w, at, log_count, count_weight):
    return divergence(s, y, w) + count_weight * (exp(log_count) - sum(y)) ** 2


def softmax_count_poisson(s, y, w, at, log_count, count_weight):
    return divergence(s, y, w) + count_weight * (exp(log_count) - sum(y) * log_count)


def softmax_product_mse(s, y, w, at, log_count):
    total = sum(exp(a) for a in s)
    return mean([c * (exp(log_count) * exp(a) / total - b) ** 2 for a, b, c in zip(s, y, w)])


FORMULAS = {
    formula.__name__: formula
    for formula in (
        sigmoid_cross_entropy,
        sigmoid_focal,
        asymmetric_focal,
        asymmetric_focal_shifted,
        poly1_sigmoid,
        jeffreys_divergence,
        clipped_jeffreys_divergence,
        hill,
        softmax_cross_entropy,
        pick_all_labels,
        sparsemax,
        zlpr,
        lsep,
        circle,
        n_pair,
        lifted_structured,
        distributional_ranking,
        pairwise_hinge,
        pairwise_logistic,
        soft_f1,
        softmax_count_mse,
        softmax_count_poisson,
        softmax_product_mse,
    )
}
