"""Small ONNX networks for tests: right ones, and wrong in one way each."""

from __future__ import annotations

import json

import numpy as np

from zincflux.training.graph import model_of, shapes
from zincflux.training.onnx_file import Graph, _bytes, _number, _text, model_bytes

CARD = {
    "name": "test",
    "input": {
        "diameter_px": 20,
        "percentiles": [1, 99.8],
        "window_px": 41,
        "sides_multiple_of": 16,
    },
}

ENDS = [("image", ("n", 2, "y", "x")), ("cells", ("n", 3, "y", "x"))]
METADATA = {"card": json.dumps(CARD)}


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
    *, card=CARD, ends=("image", "cells"), channels=(2, 3), fixed=None, opset=17, gain=1.0, step=1
):
    """A network that takes bright for inside, and brightness for depth: no learning needed."""
    graph = Graph()
    weight = np.array([[4.0, 0], [1, 0], [0, 0]], np.float32)[: channels[1], : channels[0]]
    weight = graph.constant((gain * weight[:, :, None, None]).astype(np.float32))
    offset = graph.constant(np.array([-1.0, 0, 0, 0], np.float32)[: channels[1]])
    x = graph.add("Conv", ends[0], weight, offset, kernel_shape=[1, 1], strides=[step, step])
    graph.add("Clip", x, output=ends[1])
    sides = fixed or ("y", "x")
    described = [(end, ("n", n, *sides)) for end, n in zip(ends, channels, strict=True)]
    metadata = {} if card is None else {"card": card if isinstance(card, str) else json.dumps(card)}
    return model_bytes(graph, described, metadata, opset=opset)


def model_elsewhere(place):
    """A network whose weights lie in another file."""
    graph = Graph()
    graph.add("Conv", "image", "w", output="cells", kernel_shape=[1, 1])
    where = _text(1, "location") + _text(2, place)
    shape = b"".join(_number(1, n) for n in (3, 2, 1, 1))
    graph.weights.append(shape + _number(2, 1) + _text(8, "w") + _bytes(13, where) + _number(14, 1))
    return model_bytes(graph, ENDS, METADATA)


def model_of_kind(kind):
    """A network of one node, of a kind that may not be known."""
    graph = Graph()
    graph.add(kind, "image", output="cells")
    return model_bytes(graph, ENDS, METADATA)


def swelling_model(*, sides):
    """A network that takes far more memory than its file: an array of these sides per pixel."""
    graph = Graph()
    weight = graph.constant(np.zeros((3, 2, 1, 1), np.float32))
    cells = graph.add("Conv", "image", weight, kernel_shape=[1, 1])
    shape = graph.add("Mul", graph.add("Shape", "image"), graph.constant(np.array(sides)))
    total = graph.add("ReduceSum", graph.add("ConstantOfShape", shape), keepdims=0)
    graph.add("Add", cells, total, output="cells")
    return model_bytes(graph, ENDS, METADATA)


def failing_model():
    """A network that gives no number where there is a pixel above 2."""
    graph = Graph()
    weight = graph.constant(np.zeros((3, 2, 1, 1), np.float32))
    cells = graph.add("Conv", "image", weight, kernel_shape=[1, 1])
    two = graph.constant(np.array(2, np.float32))
    root = graph.add("Sqrt", graph.add("Sub", two, graph.add("ReduceMax", "image", keepdims=0)))
    graph.add("Add", cells, root, output="cells")
    return model_bytes(graph, ENDS, METADATA)
