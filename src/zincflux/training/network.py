"""The network in torch: a small U-Net that looks at pixels two by two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zincflux.segment.learned.model_file import N_INPUTS, N_OUTPUTS
from zincflux.training.graph import FOLD, WIDTHS, Convolution


def _convolution(n_in: int, n_out: int, normed: bool) -> nn.Sequential:
    layer = nn.Conv2d(n_in, n_out, 3, padding=1, bias=not normed)
    return nn.Sequential(layer, nn.BatchNorm2d(n_out)) if normed else nn.Sequential(layer)


class _Block(nn.Module):
    """Two convolutions with a shortcut around the second."""

    def __init__(self, n_in: int, n_out: int, normed: bool) -> None:
        super().__init__()
        self.first = _convolution(n_in, n_out, normed)
        self.second = _convolution(n_out, n_out, normed)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        return functional.relu(x + self.second(x))


class CellNet(nn.Module):
    """Tell for each pixel whether it is in a cell, how deep, and how large the cell is.

    The picture is folded: 2 × 2 pixels become channels of one place, so nothing is lost and every
    convolution runs at half the resolution or less; the outputs are unfolded again.

    Parameters
    ----------
    normed
        Whether norms follow the convolutions, as where training begins from nothing. A network
        read from its file has them folded in.
    """

    def __init__(self, *, normed: bool = True) -> None:
        super().__init__()
        n_in = (FOLD**2 * N_INPUTS, *WIDTHS[:-1])
        self.down = nn.ModuleList(_Block(i, o, normed) for i, o in zip(n_in, WIDTHS, strict=True))
        pairs = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.lift = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in pairs)
        self.up = nn.ModuleList(_Block(o, o, normed) for _, o in pairs)
        self.head = nn.Conv2d(WIDTHS[0], FOLD**2 * N_OUTPUTS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (n, 2, y, x) to logit, depth and size (n, 3, y, x)."""
        x = functional.pixel_unshuffle(x, FOLD)
        kept = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for lift, block, earlier in zip(self.lift, self.up, kept[-2::-1], strict=True):
            x = functional.interpolate(lift(x), scale_factor=2.0, mode="nearest")
            x = block(x + earlier)
        return functional.pixel_shuffle(self.head(x), FOLD)

    def layers(self) -> list[nn.Module]:
        """List the convolutions, each with its norm, in the order of the file."""
        found: list[nn.Module] = [part for b in self.down for part in (b.first, b.second)]
        for lift, block in zip(self.lift, self.up, strict=True):
            found += [lift, block.first, block.second]
        return [*found, self.head]


def weights_of(network: CellNet) -> list[Convolution]:
    """Give the weights as they stand in the file, norms folded into the convolutions."""
    found = []
    for layer in network.layers():
        convolution, norm = (
            (*layer, None)[:2] if isinstance(layer, nn.Sequential) else (layer, None)
        )
        weight, offset = convolution.weight, convolution.bias
        if norm is not None:
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = weight * scale[:, None, None, None]
            offset = norm.bias - norm.running_mean * scale
        found.append((weight.detach().float().numpy(), offset.detach().float().numpy()))
    return [(_place_first(found[0][0]), found[0][1]), *found[1:]]


def network_of(convolutions: Sequence[Convolution]) -> CellNet:
    """Make a network without norms from the weights in a file."""
    network = CellNet(normed=False)
    (weight, offset), *rest = convolutions
    with torch.no_grad():
        for layer, (w, b) in zip(
            network.layers(), [(_input_first(weight), offset), *rest], strict=True
        ):
            convolution = layer[0] if isinstance(layer, nn.Sequential) else layer
            convolution.weight.copy_(torch.from_numpy(np.array(w)))
            convolution.bias.copy_(torch.from_numpy(np.array(b)))
    return network


def _place_first(weight: np.ndarray) -> np.ndarray:
    """Order channels as ONNX folds pixels: place first; torch's fold puts the input first."""
    n_out, n_in, *side = weight.shape
    apart = weight.reshape(n_out, N_INPUTS, FOLD**2, *side)
    return np.ascontiguousarray(apart.swapaxes(1, 2)).reshape(n_out, n_in, *side)


def _input_first(weight: np.ndarray) -> np.ndarray:
    n_out, n_in, *side = weight.shape
    apart = weight.reshape(n_out, FOLD**2, N_INPUTS, *side)
    return np.ascontiguousarray(apart.swapaxes(1, 2)).reshape(n_out, n_in, *side)
