"""The network as an ONNX graph, put together node by node from the weights of its convolutions.

What the file holds depends on nothing but the weights: neither on torch nor on an exporter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import SegmentationError
from zincflux.segment.learned.card import KEY, Card
from zincflux.segment.learned.model_file import INPUT, N_INPUTS, N_OUTPUTS, OUTPUT
from zincflux.training.onnx_file import Graph, metadata_of, model_bytes, read_model

WIDTHS = (32, 64, 128, 128)
"""Channels at a half, a quarter, … of the resolution. Multiples of 32 suit vector units."""

FOLD = 2
"""Pixels along each side that become channels of one place."""

Convolution = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights (out, in, y, x) and offsets (out,) of a convolution, its norm folded in."""

SIDES = (3, 3) * len(WIDTHS) + (1, 3, 3) * (len(WIDTHS) - 1) + (1,)
"""Kernel sides of the convolutions in the order in which they run."""


def shapes() -> list[tuple[int, int, int, int]]:
    """Shapes of the weights of all convolutions, in the order in which they run."""
    ends: list[tuple[int, int]] = []
    for n_in, n_out in zip((FOLD**2 * N_INPUTS, *WIDTHS[:-1]), WIDTHS, strict=True):
        ends += [(n_out, n_in), (n_out, n_out)]
    for n_in, n_out in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True):
        ends += [(n_out, n_in), (n_out, n_out), (n_out, n_out)]
    ends.append((FOLD**2 * N_OUTPUTS, WIDTHS[0]))
    return [(n_out, n_in, side, side) for (n_out, n_in), side in zip(ends, SIDES, strict=True)]


def model_of(convolutions: Sequence[Convolution], card: Card) -> bytes:
    """Write the network as an ONNX file.

    The first convolution takes 2 × 2 pixels as channels: place first, then input. The last one
    gives them with the output first, then place.

    Parameters
    ----------
    convolutions
        Weights in the order of `shapes`; they are stored with half precision.
    card
        What the user of the model should know.

    Returns
    -------
    bytes
        What the file holds. Input ``image`` (n, 2, y, x), output ``cells`` (n, 3, y, x):
        probability to be inside a cell, depth, size.
    """
    graph, waiting = Graph(), iter(convolutions)
    x, kept = graph.add("SpaceToDepth", INPUT, blocksize=FOLD), []
    for level in range(len(WIDTHS)):
        if level:
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = _block(graph, x, waiting)
        kept.append(x)
    twice = graph.constant(np.array([1, 1, 2, 2], dtype=np.float32))
    for earlier in kept[-2::-1]:
        x = _enlarge(graph, _convolve(graph, x, waiting), twice)
        x = _block(graph, graph.add("Add", x, earlier), waiting)
    x = _convolve(graph, x, waiting)
    x = graph.add("DepthToSpace", x, blocksize=FOLD, mode="CRD")
    inside = graph.add("Sigmoid", _channels(graph, x, 0, 1))
    graph.add("Concat", inside, _channels(graph, x, 1, N_OUTPUTS), output=OUTPUT, axis=1)
    ends = [(INPUT, ("n", N_INPUTS, "y", "x")), (OUTPUT, ("n", N_OUTPUTS, "y", "x"))]
    return model_bytes(graph, ends, {KEY: card.model_dump_json(exclude_none=True)})


def _convolve(graph: Graph, x: str, waiting: Iterator[Convolution]) -> str:
    weight, offset = next(waiting)
    side = weight.shape[-1]
    half, single = weight.astype(np.float16), offset.astype(np.float32)
    names = graph.constant(half), graph.constant(single)
    return graph.add("Conv", x, *names, kernel_shape=[side, side], pads=[side // 2] * 4)


def _block(graph: Graph, x: str, waiting: Iterator[Convolution]) -> str:
    """Two convolutions with a shortcut around the second."""
    x = graph.add("Relu", _convolve(graph, x, waiting))
    return graph.add("Relu", graph.add("Add", x, _convolve(graph, x, waiting)))


def _enlarge(graph: Graph, x: str, twice: str) -> str:
    how = {"mode": "nearest", "nearest_mode": "floor"}
    return graph.add("Resize", x, "", twice, **how, coordinate_transformation_mode="asymmetric")


def _channels(graph: Graph, x: str, start: int, stop: int) -> str:
    ends: list[NDArray[Any]] = [np.array([n], dtype=np.int64) for n in (start, stop, 1)]
    return graph.add("Slice", x, *(graph.constant(end) for end in ends))


def convolutions_of(content: bytes, origin: str) -> list[Convolution]:
    """Read the weights of a network from its file, to train it further.

    Parameters
    ----------
    content
        What the file holds.
    origin
        Its name, for messages.

    Raises
    ------
    SegmentationError
        If the network is built in another way.
    """
    try:
        nodes, weights = read_model(content)
        found = [
            (weights[names[1]].astype(np.float32), weights[names[2]].astype(np.float32))
            for kind, names in nodes
            if kind == "Conv"
        ]
    except (ValueError, KeyError, IndexError) as error:
        raise SegmentationError(
            f"--from: expected a network that zincflux train has written, found {origin}, which "
            f"cannot be read ({error}). Begin from another file, or from builtin."
        ) from None
    if [weight.shape for weight, _ in found] != shapes():
        raise SegmentationError(
            f"--from: expected a network of {len(SIDES)} convolutions with {WIDTHS} channels, "
            f"found another one in {origin}. Begin from another file, or from builtin."
        )
    return found


def card_of(content: bytes) -> Card:
    """Read the card of a network from its file."""
    return Card.model_validate_json(metadata_of(content)[KEY])
