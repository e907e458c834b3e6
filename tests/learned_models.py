"""Small ONNX networks for tests: right ones, and wrong in one way each."""

from __future__ import annotations

import json

import numpy as np

from zincflux.training.graph import model_of, shapes
from zincflux.training.onnx_file import Graph, model_bytes

CARD = {
    "name": "test",
    "input": {
        "diameter_px": 20,
        "percentiles": [1, 99.8],
        "window_px": 41,
        "sides_multiple_of": 16,
    },
}


def random_convolutions(seed=0):
    """Weights of a whole network, small enough for its outputs to stay small."""
    rng = np.random.default_rng(seed)
    return [
        (
            (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32),
            rng.normal(scale=0.1, size=shape[0]).astype(np.float32),
        )
        for shape in shapes()
    ]


def random_model(card, seed=0):
    return model_of(random_convolutions(seed), card)


def brightness_model(
    *, card=CARD, ends=("image", "cells"), channels=(2, 3), fixed=None, opset=17, gain=1.0
):
    """A network that takes bright for inside, and brightness for depth: no learning needed."""
    graph = Graph()
    weight = np.array([[4.0, 0], [1, 0], [0, 0]], np.float32)[: channels[1], : channels[0]]
    weight = graph.constant((gain * weight[:, :, None, None]).astype(np.float32))
    offset = graph.constant(np.array([-1.0, 0, 0, 0], np.float32)[: channels[1]])
    x = graph.add("Conv", ends[0], weight, offset, kernel_shape=[1, 1])
    graph.add("Clip", x, output=ends[1])
    sides = fixed or ("y", "x")
    described = [(end, ("n", n, *sides)) for end, n in zip(ends, channels, strict=True)]
    metadata = {} if card is None else {"card": card if isinstance(card, str) else json.dumps(card)}
    return model_bytes(graph, described, metadata, opset=opset)
