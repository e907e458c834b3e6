"""Files of a training: the ONNX graph, and checkpoints."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from learned_models import CARD, brightness_model, random_convolutions, random_model
from zincflux.errors import ResultsError, SegmentationError
from zincflux.segment.learned.card import Card
from zincflux.segment.learned.model_file import network
from zincflux.training import checkpoint
from zincflux.training.graph import card_of, convolutions_of, model_of
from zincflux.training.onnx_file import Graph, metadata_of, model_bytes, read_model

TEST_CARD = Card.model_validate(CARD)


def convolved(x, weight, offset):
    """The sum over channels of plain correlations, one by one."""
    flipped = [
        [
            ndimage.correlate(x[i].astype(float), kernel, mode="constant")
            for i, kernel in enumerate(k)
        ]
        for k in weight.astype(float)
    ]
    return np.array([sum(of_one) for of_one in flipped]) + offset[:, None, None]


def said_by_numpy(convolutions, x):
    """The network once more, written out; x is (2, Y, X)."""
    waiting = iter(convolutions)

    def step(x):
        return convolved(x, *next(waiting))

    def block(x):
        x = np.maximum(step(x), 0)
        return np.maximum(x + step(x), 0)

    channels, height, width = x.shape
    x = x.reshape(channels, height // 2, 2, width // 2, 2).transpose(2, 4, 0, 1, 3)
    x = x.reshape(4 * channels, height // 2, width // 2)
    kept = []
    for level in range(4):
        if level:
            n, h, w = x.shape
            x = x.reshape(n, h // 2, 2, w // 2, 2).max(axis=(2, 4))
        x = block(x)
        kept.append(x)
    for earlier in kept[-2::-1]:
        x = block(step(x).repeat(2, axis=1).repeat(2, axis=2) + earlier)
    x = step(x).reshape(3, 2, 2, height // 2, width // 2)
    x = x.transpose(0, 3, 1, 4, 2).reshape(3, height, width)
    return np.concatenate([1 / (1 + np.exp(-x[:1])), x[1:]])


@pytest.mark.slow
def test_the_file_says_what_its_weights_say(tmp_path):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "own.onnx"
    path.write_bytes(random_model(TEST_CARD))
    halved = [(w.astype(np.float16).astype(np.float32), b) for w, b in random_convolutions()]
    x = np.random.default_rng(0).normal(size=(2, 16, 32)).astype(np.float32)
    np.testing.assert_allclose(network(str(path))(x), said_by_numpy(halved, x), atol=1e-4)


def test_weights_and_card_are_read_back():
    content = random_model(TEST_CARD)
    found = convolutions_of(content, "own.onnx")
    for (weight, offset), (expected, expected_offset) in zip(
        found, random_convolutions(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected.astype(np.float16))
        np.testing.assert_array_equal(offset, expected_offset)
    assert card_of(content) == TEST_CARD
    assert model_of(found, TEST_CARD) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (brightness_model(), r"expected a network of 18 convolutions .* found another one in x"),
        (b"no network", r"found x\.onnx, which cannot be read"),
        (b"", r"which cannot be read \(the file holds 0 graphs\)"),
        (random_model(TEST_CARD)[:5000], r"ends in the middle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_another_network_cannot_be_trained_further(content, message):
    with pytest.raises(SegmentationError, match=rf"^--from: .*{message}"):
        convolutions_of(content, "x.onnx")


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float16, np.int64]),
        arrays.array_shapes(max_dims=4, max_side=4),
    ),
    st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_arrays_and_texts_come_back(values, metadata):
    graph = Graph()
    graph.constant(values, "values")
    graph.add("Thing", "values", "image", how="so", much=3, many=[1, 2], share=0.5)
    content = model_bytes(graph, [("image", ("n", 2)), ("cells", ("n", 300))], metadata)
    nodes, weights = read_model(content)
    np.testing.assert_array_equal(weights["values"], values)
    assert weights["values"].dtype == values.dtype
    assert nodes == [("Thing", ["values", "image"])]
    assert metadata_of(content) == metadata


def test_lengths_may_be_packed_and_other_fields_are_skipped():
    """As other writers do; 64- and 32-bit fields of no interest stand between."""
    tensor = b"\x0a\x02\x02\x03" + b"\x10\x01" + b"\x42\x01w" + b"\x4a\x18" + bytes(24)
    tensor += b"\x61" + bytes(8) + b"\x6d" + bytes(4)
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    _, weights = read_model(b"\x3a" + bytes([len(graph)]) + graph)
    assert weights["w"].shape == (2, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x3a\x7f", "in the middle of a message"),
        (b"\x3b", "in the middle of a message"),
        (b"\xff", "in the middle of a number"),
        (b"\x3a\x06\x2a\x04\x10\x63\x42\x00", "weights of the type 99"),
    ],
)
def test_what_is_no_onnx(content, message):
    with pytest.raises(ValueError, match=message):
        read_model(content)


FACTS = {"recipe": {"seed": 1}, "pictures": ["a"]}


def test_a_checkpoint_comes_back(tmp_path):
    path = checkpoint.path_beside(tmp_path / "own.onnx")
    state = {"step": np.array(7), "network/weight": np.eye(3, dtype=np.float32)}
    checkpoint.save(path, state, FACTS)
    found = checkpoint.load(path, FACTS)
    assert path.name == "own.training.npz"
    assert found.keys() == state.keys()
    np.testing.assert_array_equal(found["network/weight"], np.eye(3))
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_of_another_training(tmp_path):
    path = tmp_path / "a.npz"
    checkpoint.save(path, {"step": np.array(7)}, FACTS)
    with pytest.raises(ResultsError, match="found another recipe in it"):
        checkpoint.load(path, FACTS | {"recipe": {"seed": 2}})


def test_no_checkpoint(tmp_path):
    with pytest.raises(ResultsError, match=r"found none\. Leave --resume out"):
        checkpoint.load(tmp_path / "a.npz", FACTS)


def one_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"text", one_array()])
def test_a_damaged_checkpoint(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="found a damaged file"):
        checkpoint.load(path, FACTS)


def test_a_checkpoint_that_holds_objects_is_not_opened(tmp_path):
    path = tmp_path / "a.npz"
    text = np.frombuffer(json.dumps(FACTS).encode(), np.uint8)
    np.savez(path, facts=text, step=np.array([print], dtype=object))
    with pytest.raises(ResultsError, match="found a damaged file"):
        checkpoint.load(path, FACTS)


def test_a_checkpoint_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match=r"expected a folder above it, but .*file is a file"):
        checkpoint.save(tmp_path / "file" / "a.npz", {}, FACTS)
