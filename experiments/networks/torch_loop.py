"""The plain training loop of torch, on one thread."""

from __future__ import annotations

import torch

from networks.case import LEARNING_RATE, Case, Weights

torch.set_num_threads(1)


def _network(case: Case) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(case.features.shape[1], case.width),
        torch.nn.ReLU(),
        torch.nn.Linear(case.width, case.labels.shape[1]),
    )


def train(case: Case, seed: int) -> float:
    """Train one network, measure it after each epoch, and return the mean objective of the last epoch."""
    torch.manual_seed(seed)
    network, cost = _network(case), torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    features, labels = torch.from_numpy(case.features), torch.from_numpy(case.labels)
    steps, curve = case.rows // case.batch_size, []
    for _ in range(case.epochs):
        order = torch.randperm(case.rows)
        total = torch.zeros(())
        for start in range(0, steps * case.batch_size, case.batch_size):
            rows = order[start : start + case.batch_size]
            optimizer.zero_grad()
            value = cost(network(features[rows]), labels[rows])
            value.backward()
            optimizer.step()
            total += value.detach()
        with torch.inference_mode():
            curve.append(cost(network(features[case.rows :]), labels[case.rows :]))
    return float(total) / steps


def first_step(case: Case) -> tuple[float, Weights]:
    """Return the objective of the first batch, and the parameters after one step."""
    network, weights = _network(case), case.weights()
    with torch.no_grad():
        for layer, kernel, bias in zip((network[0], network[2]), weights[::2], weights[1::2]):
            layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    features, labels = (torch.from_numpy(part) for part in case.batch)
    value = torch.nn.BCEWithLogitsLoss()(network(features), labels)
    value.backward()
    optimizer.step()
    first, head = network[0], network[2]
    after = (first.weight.T, first.bias, head.weight.T, head.bias)
    return value.item(), Weights(*(part.detach().numpy() for part in after))
