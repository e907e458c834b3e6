"""Which networks are taken: every file that does not fit is refused with what to do."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from learned_models import (
    CARD,
    brightness_model,
    failing_model,
    model_elsewhere,
    model_of_kind,
    swelling_model,
)
from zincflux.errors import ExperimentError, SegmentationError
from zincflux.segment import Learned, Segment
from zincflux.segment.learned import model_file
from zincflux.segment.learned.model_file import Network, network
from zincflux.settings import dumps, read_toml

pytest.importorskip("onnxruntime")


@pytest.fixture
def write(tmp_path):
    def written(content, name="own.onnx"):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return written


def scaled_otherwise(**changes):
    return {**CARD, "input": {**CARD["input"], **changes}}


def test_a_model_of_ones_own_is_used(write):
    path = write(brightness_model())
    image = np.random.default_rng(0).random((60, 60))
    image[20:40, 20:40] += 100.0
    found = Learned(diameter_um=20, model=path)(image, 1.0)
    assert found.max() == 1
    assert (found > 0).sum() == pytest.approx(400, rel=0.1)
    assert network(path).card.name == "test"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"weights": [1.0]}), r"found a pickle .* never opened"),
        (b"PK\x03\x04 a checkpoint of torch", r"found a pickle .* never opened"),
        (b"no network at all", r"expected an ONNX network that onnxruntime .* can run"),
        (b"", r"expected an ONNX network"),
        (brightness_model()[:200], r"expected an ONNX network"),
        (brightness_model(opset=999), r"expected an ONNX network .*opset"),
        (brightness_model(card=None), r"expected a network with a card .* found none"),
        (brightness_model(card="{"), r"expected a card that fits .*the card: Invalid JSON"),
        (brightness_model(card={"name": "x"}), r"expected a card that fits.*input: Field required"),
        (
            brightness_model(card=scaled_otherwise(diameter_px=30)),
            r"input\.diameter_px: expected 20\.0, found 30\.0",
        ),
        (
            brightness_model(card=scaled_otherwise(percentiles=[0, 100])),
            r"input\.percentiles: expected \(1\.0, 99\.8\), found \(0\.0, 100\.0\)",
        ),
        (brightness_model(ends=("picture", "cells")), r"found picture \['n', 2, 'y', 'x'\] → cel"),
        (brightness_model(ends=("image", "masks")), r"→ masks \['n', 3, 'y', 'x'\]"),
        (brightness_model(channels=(1, 3)), r"expected a network image \(n, 2, y, x\) → cells"),
        (brightness_model(channels=(2, 1)), r"found .* cells \['n', 1, 'y', 'x'\]"),
        (brightness_model(fixed=(64, 64)), r"expected an ONNX network that onnxruntime"),
        (brightness_model(gain=np.nan), r"expected finite numbers from the network, found others"),
        (model_elsewhere("weights.bin"), r"found weights in .* that lie in other files, which are"),
        (model_of_kind("Evil"), r"can run, found .*Evil"),
        (brightness_model(step=2), r"shape \(1, 3, 16, 32\) .* found the shape \(1, 3, 8, 16\)"),
        (swelling_model(sides=[1, 1, 10**5, 10**5]), r"can run, found .*memory"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_file_that_does_not_fit_is_refused(write, content, message):
    with pytest.raises(SegmentationError, match=rf"(?s)^segment\.model: .*{message}"):
        network(write(content))


def test_a_pickle_is_refused_even_where_it_calls_itself_onnx(write, monkeypatch):
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("opened"))
    with pytest.raises(SegmentationError, match="zincflux train has written"):
        network(write(pickle.dumps(print), "cells.onnx"))


def test_no_more_than_a_small_file_is_read(write, monkeypatch):
    monkeypatch.setattr(model_file, "LARGEST_BYTES", 100)
    with pytest.raises(SegmentationError, match=r"expected a small network, found .* of more than"):
        network(write(brightness_model()))


def test_other_files_are_not_followed(write, tmp_path, monkeypatch):
    """Not even one in the working folder, which onnxruntime would look into."""
    monkeypatch.chdir(tmp_path)
    np.ones(6, np.float32).tofile("weights.bin")
    with pytest.raises(SegmentationError, match="never followed"):
        network(write(model_elsewhere("weights.bin")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (swelling_model(sides=[1, 1, 600, 600]), r"can run, found .*memory"),
        (failing_model(), r"expected finite numbers from the network"),
    ],
)
def test_a_network_that_fails_on_a_picture_says_so(write, content, message):
    """It is right on the small pictures that it is tried on when it is opened."""
    image = np.random.default_rng(0).random((500, 500))
    image[100:110, 100:110] += 9
    with pytest.raises(SegmentationError, match=rf"(?s)^segment\.model: .*{message}"):
        Learned(diameter_um=20, model=write(content))(image, 1.0)


def test_a_missing_file():
    with pytest.raises(SegmentationError, match=r"found none at nowhere\.onnx .*Check the path"):
        network("nowhere.onnx")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(SegmentationError, match=r"expected an ONNX file, found .*cannot be read"):
        network(str(tmp_path))


def test_a_file_that_was_replaced_is_opened_again(write):
    first = network(write(brightness_model()))
    assert network(write(brightness_model())) is not None
    second = network(write(brightness_model(card={**CARD, "name": "newer"})))
    assert (first.card.name, second.card.name) == ("test", "newer")


def test_missing_package(monkeypatch, write):
    path = write(brightness_model())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ExperimentError,
        match=r"expected the package onnxruntime.*pip install 'zincflux\[learned\]'",
    ):
        network(path)


def test_the_built_in_network_has_a_card():
    found = network()
    assert isinstance(found, Network)
    assert network() is found
    assert all(part["licence"] for part in found.card.data)
    assert found.card.never_seen
    assert found.card.scores["F1"] > 0.9
    assert Path(model_file.BUILTIN).stat().st_size <= 3e6


def test_the_path_of_the_model_starts_from_its_file(tmp_path):
    chosen = Segment.parse(
        {"method": "learned", "model": "own.onnx"}, where="segment", folder=tmp_path
    )
    assert chosen.model == str(tmp_path / "own.onnx")
    path = tmp_path / "segment.toml"
    path.write_text(dumps(chosen, folder=tmp_path), encoding="utf-8")
    assert 'model = "own.onnx"' in path.read_text(encoding="utf-8")
    assert Segment.parse(read_toml(path), where="segment", folder=tmp_path) == chosen


def test_the_model_of_another_method_stays_a_name(tmp_path):
    chosen = Segment.parse(
        {"method": "cellpose", "model": "cpsam"}, where="segment", folder=tmp_path
    )
    assert chosen.model == "cpsam"
    assert 'model = "cpsam"' in dumps(chosen, folder=tmp_path)


@pytest.mark.parametrize("key", [{"minimum_contrast": 0.5}, {"labels": "a"}])
def test_keys_of_other_methods_are_refused(key):
    with pytest.raises(ExperimentError, match=rf'{next(iter(key))} has no effect .* = "learned"'):
        Segment.parse({"method": "learned", **key}, where="segment")
