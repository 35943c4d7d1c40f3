"""Losses of other libraries as a training loop of theirs computes them: a scalar of a batch, then its slope.

PyTorch is a peer only if it is installed. The asymmetric loss is written from its published description:
clamped logarithms, the shift, and the focusing weights, all through autograd.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None


def cross_entropy(s, y):
    """Return PyTorch's fused sigmoid cross-entropy."""
    return F.binary_cross_entropy_with_logits(s, y)


def soft_margin(s, y):
    """Return PyTorch's multi-label soft margin loss, which is the same number."""
    return F.multilabel_soft_margin_loss(s, y)


def asymmetric(s, y, gamma_pos=0.0, gamma_neg=4.0, shift=0.05):
    """Return the asymmetric focal loss in steps of PyTorch."""
    p = torch.sigmoid(s)
    absent = (1 - p + shift).clamp(max=1)
    cost = y * torch.log(p.clamp(min=1e-8)) + (1 - y) * torch.log(absent.clamp(min=1e-8))
    right = p * y + absent * (1 - y)
    focus = torch.pow(1 - right, gamma_pos * y + gamma_neg * (1 - y))
    return -(cost * focus).mean()


def trained(loss: Callable, s: np.ndarray, y: np.ndarray, compiled: bool = False) -> Callable[[], object]:
    """Return a function that computes the loss and its slope once."""
    logits, labels = torch.tensor(s, requires_grad=True), torch.tensor(y)
    objective = torch.compile(loss) if compiled else loss

    def step():
        logits.grad = None
        value = objective(logits, labels)
        value.backward()
        return value.item(), logits.grad

    return step
