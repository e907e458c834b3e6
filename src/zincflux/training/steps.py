"""The steps of a training, in torch: loss, gradient, mean of the weights."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from zincflux.segment.learned.scaling import FloatImage
from zincflux.training.crops import Batches
from zincflux.training.graph import Convolution
from zincflux.training.network import CellNet, network_of, weights_of
from zincflux.training.recipe import Recipe

WORKERS = 2
"""Threads that share a batch. One operation in one thread: where other programs take their share
of the processor, threads that wait for one another at every operation lose most of the time."""

_PARTS = ("network", "mean")


def loss_of(outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Measure how far outputs (n, 3, y, x) are from targets (n, 4, y, x).

    The size is judged inside cells only.
    """
    inside, depth, size, weight = targets.unbind(1)
    logit, found_depth, found_size = outputs.float().unbind(1)
    in_cell = (inside > 0.5).float() * weight
    entropy = functional.binary_cross_entropy_with_logits(logit, inside, reduction="none")
    wrong_size = functional.smooth_l1_loss(found_size, size, beta=0.2, reduction="none")
    return {
        "inside": (weight * entropy).mean(),
        "depth": 2 * (weight * (found_depth - depth).abs()).mean(),
        "size": 0.2 * (in_cell * wrong_size).sum() / in_cell.sum().clamp(min=1),
    }


def _gradient(network: CellNet, inputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Leave the gradient in the network; give the losses."""
    network.train()
    network.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(inputs.contiguous(memory_format=torch.channels_last))
    losses = loss_of(outputs, targets)
    torch.stack(list(losses.values())).sum().backward()
    return {name: float(loss.detach()) for name, loss in losses.items()}


class Training:
    """A training under way; the same seed and data give the same weights.

    Parameters
    ----------
    recipe
        What to do.
    start
        Weights to begin from; drawn at random if None.

    Attributes
    ----------
    state
        What is needed to go on after the last whole step, as arrays by name.
    """

    def __init__(self, recipe: Recipe, start: Sequence[Convolution] | None) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.step = recipe, 0
        network = CellNet() if start is None else network_of(start)
        self.network = network.to(memory_format=torch.channels_last)
        self.workers = [self.network, *(copy.deepcopy(self.network) for _ in range(WORKERS - 1))]
        self.mean = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.state = self._copied()

    def run(self, batches: Batches) -> Generator[dict[str, float], None, None]:
        """Train to the end; give the losses after each step."""
        recipe = self.recipe
        with _one_thread(), ThreadPoolExecutor(WORKERS) as pool, ThreadPoolExecutor(1) as ahead:
            upcoming = ahead.submit(batches.make, self.step, recipe.size(self.step))
            while self.step < recipe.steps:
                inputs, targets = upcoming.result()
                following = self.step + 1
                upcoming = ahead.submit(batches.make, following, recipe.size(following))
                yield self._learn(pool, inputs, targets)

    def _learn(
        self, pool: ThreadPoolExecutor, inputs: FloatImage, targets: FloatImage
    ) -> dict[str, float]:
        """Take one step: each worker works out the gradient of its part of the batch.

        The gradients are summed in a fixed order, so threads do not change the result.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        halves = [torch.from_numpy(part).chunk(WORKERS) for part in (inputs, targets)]
        losses = list(pool.map(_gradient, self.workers, *halves))
        for mine, *theirs in zip(*(w.parameters() for w in self.workers), strict=True):
            for other in theirs:
                mine.grad += other.grad
            mine.grad /= WORKERS
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._average()
        self.step += 1
        # A step that is cut off leaves this as it was.
        self.state = self._copied()
        return {name: sum(part[name] for part in losses) / WORKERS for name in losses[0]}

    def _average(self) -> None:
        """Bring the mean, and the weights of the other workers, up to date."""
        keep = self.recipe.keep(self.step + 1)
        with torch.no_grad():
            for worker in self.workers[1:]:
                for mine, theirs in zip(
                    self.network.parameters(), worker.parameters(), strict=True
                ):
                    theirs.copy_(mine)
            state = self.network.state_dict()
            for name, mean in self.mean.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(state[name], 1 - keep)
                else:
                    mean.copy_(state[name])

    def weights(self) -> list[Convolution]:
        """Give the mean of the weights, as it stands in the file."""
        return weights_of(self.mean)

    def _copied(self) -> dict[str, NDArray[Any]]:
        """Copy everything that is needed to go on."""
        found: dict[str, NDArray[Any]] = {"step": np.array(self.step)}
        for part in _PARTS:
            for name, value in getattr(self, part).state_dict().items():
                found[f"{part}/{name}"] = np.array(value.contiguous().numpy())
        for number, values in self.optimizer.state_dict()["state"].items():
            for name, value in values.items():
                found[f"optimizer/{number}/{name}"] = np.array(value.contiguous().numpy())
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on where another training stood."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        self.step = int(state["step"])
        for part, owners in (("network", self.workers), ("mean", [self.mean])):
            own = {n.removeprefix(f"{part}/"): t for n, t in tensors.items() if n.startswith(part)}
            for owner in owners:
                owner.load_state_dict(own)
        whole = self.optimizer.state_dict()
        for name, value in tensors.items():
            kind, *rest = name.split("/")
            if kind == "optimizer":
                whole["state"].setdefault(int(rest[0]), {})[rest[1]] = value
        self.optimizer.load_state_dict(whole)
        self.state = self._copied()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let every operation run in one thread, so that sums come out the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
