"""What needs torch; skipped where it is not installed."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from learned_models import CARD, random_convolutions  # noqa: E402
from zincflux.segment.learned.card import Card  # noqa: E402
from zincflux.segment.learned.model_file import BUILTIN, network  # noqa: E402
from zincflux.training import Options, Recipe, iter_train, sources, train  # noqa: E402
from zincflux.training.crops import Batches, Kind  # noqa: E402
from zincflux.training.graph import convolutions_of, model_of  # noqa: E402
from zincflux.training.network import CellNet, network_of, weights_of  # noqa: E402
from zincflux.training.pictures import Picture  # noqa: E402
from zincflux.training.steps import Training, loss_of  # noqa: E402
from zincflux.training.targets import example  # noqa: E402
from zincflux.training.whole_cells import field_of_whole_cells  # noqa: E402

QUICK = Recipe(steps=6, warm_up=2, cool_down=2, side=32, batch=4, averaging=0.5)


@pytest.fixture(scope="module")
def batches():
    kinds = [Kind(1, [example(Picture("a", *field_of_whole_cells(1, 120)))])]
    return Batches(kinds, seed=3, side=32)


def said(weights, x, tmp_path):
    path = tmp_path / f"{np.random.default_rng().integers(10**9)}.onnx"
    path.write_bytes(model_of(weights, Card.model_validate(CARD)))
    return network(str(path))(x)


def as_in_the_file(net, x):
    out = net(torch.from_numpy(x[None]))[0].detach().numpy()
    return np.concatenate([1 / (1 + np.exp(-out[:1])), out[1:]])


X = np.random.default_rng(0).normal(size=(2, 48, 80)).astype(np.float32)


def test_the_file_says_what_the_network_says(tmp_path):
    torch.manual_seed(0)
    net = CellNet().train()
    with torch.no_grad():
        for _ in range(5):
            net(torch.randn(4, 2, 64, 64) * 2 + 1)
    net.eval()
    np.testing.assert_allclose(
        said(weights_of(net), X, tmp_path), as_in_the_file(net, X), atol=0.01
    )


def test_weights_read_from_a_file_are_the_weights_in_it():
    for (w, b), (v, a) in zip(
        weights_of(network_of(random_convolutions())), random_convolutions(), strict=True
    ):
        np.testing.assert_array_equal(w, v)
        np.testing.assert_array_equal(b, a)


def test_the_built_in_network_is_read():
    with open(BUILTIN, "rb") as file:
        net = network_of(convolutions_of(file.read(), "cells.onnx")).eval()
    np.testing.assert_allclose(as_in_the_file(net, X), network()(X), atol=1e-3)


def test_the_loss_is_none_where_all_is_right():
    targets = torch.zeros(1, 4, 8, 8)
    targets[:, 0, 2:5, 2:5], targets[:, 1, 3, 3], targets[:, 2, 2:5, 2:5], targets[:, 3] = (
        1,
        1,
        2,
        1,
    )
    right = torch.stack([100 * (2 * targets[:, 0] - 1), targets[:, 1], targets[:, 2]], dim=1)
    assert all(float(loss) < 1e-6 for loss in loss_of(right, targets).values())
    wrong = right.clone()
    wrong[:, 2] += 1
    assert float(loss_of(wrong, targets)["size"]) > 0.1
    assert float(loss_of(wrong, targets)["depth"]) < 1e-6


def weights_after(batches, start, steps=QUICK.steps, state=None):
    training = Training(QUICK, start)
    if state is not None:
        training.restore(state)
    for _ in training.run(batches):
        if training.step == steps:
            break
    return training


@pytest.mark.parametrize("start", [None, random_convolutions()])
def test_the_same_seed_gives_the_same_weights(batches, start):
    one, other = (weights_after(batches, start).weights() for _ in range(2))
    for (w, b), (v, a) in zip(one, other, strict=True):
        np.testing.assert_array_equal(w, v)
        np.testing.assert_array_equal(b, a)


@pytest.mark.parametrize("start", [None, random_convolutions()])
def test_a_training_that_is_cut_off_goes_on_as_if_nothing_had_happened(batches, start):
    whole = weights_after(batches, start).weights()
    state = weights_after(batches, start, steps=3).state
    assert all(isinstance(value, np.ndarray) for value in state.values())
    for (w, _), (v, _) in zip(
        whole, weights_after(batches, start, state=state).weights(), strict=True
    ):
        np.testing.assert_array_equal(w, v)


def test_the_loss_falls(batches):
    training = Training(QUICK.model_copy(update={"steps": 25, "learning_rate": 2e-3}), None)
    losses = [sum(loss.values()) for loss in training.run(batches)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_a_few_steps_on_own_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "N_REHEARSED", 1)
    monkeypatch.setattr(sources, "REHEARSED_SIDE_PX", 80)
    for seed in range(5):
        image, labels = field_of_whole_cells(100 + seed, 100)
        tifffile.imwrite(tmp_path / f"p{seed}.tif", image)
        tifffile.imwrite(tmp_path / f"p{seed}_labels.tif", labels.astype(np.uint16))
    done = train([tmp_path], tmp_path / "own.onnx", QUICK)
    assert done.card.scores["F1"] == pytest.approx(done.before["F1"], abs=0.25)
    steps = iter_train([tmp_path], tmp_path / "two.onnx", QUICK, Options(name="own"))
    while next(steps) != ("training", 2, 6):
        pass
    steps.close()
    again = train([tmp_path], tmp_path / "two.onnx", QUICK, Options(name="own", resume=True))
    assert again.out.read_bytes() == (tmp_path / "own.onnx").read_bytes()
