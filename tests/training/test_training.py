"""A training from its data to its file, with a stand-in for what needs torch."""

from __future__ import annotations

import errno
import json
import shutil
import sys
import tomllib
import types
from functools import partial

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import zincflux.training as training
from learned_models import random_convolutions
from zincflux.cli import app
from zincflux.errors import ExperimentError, ReaderError, ResultsError, SegmentationError
from zincflux.steps import complete
from zincflux.training import BUILTIN, Options, Recipe, iter_train, sources, train
from zincflux.training.curve import Curve
from zincflux.training.pictures import part_of
from zincflux.training.recipe import recipe_for
from zincflux.training.scores import iter_judge
from zincflux.training.whole_cells import field_of_whole_cells

pytest.importorskip("onnxruntime")

STEPS = training._steps
QUICK = Recipe(steps=4, side=32, batch=2, save_every=2)


class StandIn:
    """Adds one to the offset of the last convolution in every step."""

    def __init__(self, recipe, start):
        self.recipe, self.step = recipe, 0
        self.start = start or random_convolutions()
        self.state = {"step": np.array(0), "raised": np.array(0.0)}
        self.batches = []

    def run(self, batches):
        while self.step < self.recipe.steps:
            inputs, targets = batches.make(self.step, self.recipe.size(self.step))
            assert len(inputs) == len(targets) == self.recipe.size(self.step)
            self.step += 1
            self.state = {
                "step": np.array(self.step),
                "raised": self.state["raised"] + inputs.mean(),
            }
            yield {"inside": 1.0 / self.step, "depth": 0.5, "size": 0.1}

    def restore(self, state):
        self.state, self.step = state, int(state["step"])

    def weights(self):
        *first, (weight, offset) = self.start
        return [*first, (weight, offset + np.float32(self.state["raised"]))]


@pytest.fixture(autouse=True)
def _no_torch(monkeypatch):
    monkeypatch.setattr(sources, "N_REHEARSED", 1)
    monkeypatch.setattr(sources, "REHEARSED_SIDE_PX", 80)
    monkeypatch.setattr(training, "_steps", lambda: types.SimpleNamespace(Training=StandIn))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Five pictures of whole cells with their labels."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(5):
        image, labels = field_of_whole_cells(100 + seed, 80)
        tifffile.imwrite(folder / f"p{seed}.tif", image)
        tifffile.imwrite(folder / f"p{seed}_labels.tif", labels.astype(np.uint16))
    return folder


def test_a_network_is_trained_further(pictures, tmp_path):
    steps = iter_train([pictures], tmp_path / "own.onnx", QUICK, Options(licence="CC0"))
    results = []

    def told():
        results.append((yield from steps))

    stages = [progress.stage for progress in told()]
    (done,) = results
    assert list(dict.fromkeys(stages)) == [
        "examples",
        "simulated cells",
        "training",
        "judging before",
        "judging after",
    ]
    assert done.card.parent.startswith("zincflux cells")
    assert done.card.name == "own"
    assert [(part["licence"], part["images"]) for part in done.card.data] == [
        ("CC0", 4),
        (sources.SIMULATED, 1),
    ]
    assert done.card.never_seen[0].startswith("1 of the pictures of the user: p")
    assert done.card.recipe["steps"] == 4
    assert done.card.scores["pictures"] == done.before["pictures"] == 1
    assert 0 <= done.card.scores["F1"] <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.curve.csv", "own.onnx"]
    curve = (tmp_path / "own.curve.csv").read_text(encoding="utf-8").splitlines()
    assert curve == ["step,inside,depth,size", "4,0.52083,0.50000,0.10000"]
    assert training.model_file.network(str(tmp_path / "own.onnx")).card == done.card


def test_the_same_seed_gives_the_same_file(pictures, tmp_path):
    one, other, third = (tmp_path / f"{name}.onnx" for name in "abc")
    options = Options(name="same")
    for path, seed in ((one, 1), (other, 1), (third, 2)):
        train([pictures], path, QUICK.model_copy(update={"seed": seed}), options)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes() != third.read_bytes()


def test_a_training_that_was_stopped_goes_on(pictures, tmp_path):
    whole, parts = tmp_path / "whole.onnx", tmp_path / "parts.onnx"
    options = Options(name="same")
    train([pictures], whole, QUICK, options)
    stop_at(iter_train([pictures], parts, QUICK, options), ("training", 3, 4))
    assert not parts.exists()
    assert (tmp_path / "parts.training.npz").exists()
    train([pictures], parts, QUICK, options.model_copy(update={"resume": True}))
    assert parts.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "parts.training.npz").exists()


def stop_at(steps, where):
    while next(steps) != where:
        pass
    steps.close()


def test_what_is_stopped_while_it_is_judged_need_not_be_trained_again(pictures, tmp_path):
    """No file without its scores is left either."""
    whole, parts = tmp_path / "whole.onnx", tmp_path / "parts.onnx"
    options = Options(name="same")
    train([pictures], whole, QUICK, options)
    stop_at(iter_train([pictures], parts, QUICK, options), ("judging after", 1, 1))
    assert not parts.exists()
    again = iter_train([pictures], parts, QUICK, options.model_copy(update={"resume": True}))
    stages = {progress.stage for progress in again}
    assert "training" not in stages
    assert parts.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_the_curve_goes_on_where_the_training_does(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("zincflux.training.curve.EVERY", 1)
    out = tmp_path / "own.onnx"
    steps = iter_train([pictures], out, QUICK)
    while next(steps) != ("training", 3, 4):
        pass
    # As after a loss of power: the last whole checkpoint is that of step 2.
    earlier = (tmp_path / "own.training.npz").read_bytes()
    steps.close()
    (tmp_path / "own.training.npz").write_bytes(earlier)
    train([pictures], out, QUICK, Options(resume=True))
    rows = (tmp_path / "own.curve.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "1", "2", "3", "4"]


def test_a_curve_that_is_gone_begins_anew(tmp_path):
    curve = Curve(tmp_path / "own.curve.csv", 7)
    curve.add(8, {"inside": 1, "depth": 2, "size": 3}, is_last=True)
    assert curve.path.read_text(encoding="utf-8").splitlines()[1:] == ["8,1.00000,2.00000,3.00000"]


def test_a_curve_that_cannot_be_written(tmp_path):
    with pytest.raises(ResultsError, match="this cannot be written"):
        Curve(tmp_path / "no" / "own.curve.csv", 0)


def test_a_training_goes_on_with_the_same_pictures_only(pictures, tmp_path):
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    out = tmp_path / "own.onnx"
    stop_at(iter_train([folder], out, QUICK), ("training", 2, 4))
    for n in range(5):
        path = folder / f"p{n}_labels.tif"
        labels = tifffile.imread(path)
        tifffile.imwrite(path, np.where(labels == labels.max(), 0, labels))
    with pytest.raises(ResultsError, match="found another set of pictures in it"):
        train([folder], out, QUICK, Options(resume=True))


def test_another_training_is_not_gone_on_with(pictures, tmp_path):
    stop_at(iter_train([pictures], tmp_path / "own.onnx", QUICK), ("training", 1, 4))
    with pytest.raises(ResultsError, match="found another recipe"):
        train(
            [pictures],
            tmp_path / "own.onnx",
            QUICK.model_copy(update={"seed": 3}),
            Options(resume=True),
        )


def test_few_pictures_are_all_learnt_from(pictures, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for name in ("p0.tif", "p0_labels.tif"):
        (few / name).write_bytes((pictures / name).read_bytes())
    done = train([few], tmp_path / "own.onnx", QUICK, Options(start="nothing"))
    assert done.card.scores == done.before == {}
    assert done.card.parent is None
    assert done.card.never_seen == ()


def test_training_goes_on_from_a_network_of_ones_own(pictures, tmp_path):
    first = tmp_path / "first.onnx"
    train([pictures], first, QUICK, Options(start="nothing"))
    done = train([pictures], tmp_path / "next.onnx", QUICK, Options(start=str(first)))
    assert done.card.parent == "first 1"


def make_dsb(folder, n=12):
    folder.mkdir()
    for name in (f"image{k}" for k in range(n)):
        image, labels = field_of_whole_cells(len(name) + n, 64)
        tifffile.imwrite(folder / f"{name}_image.tif", image)
        tifffile.imwrite(folder / f"{name}_labels.tif", labels.astype(np.uint16))
    return folder


def test_the_recipe_of_the_built_in_network(tmp_path, monkeypatch):
    folder = make_dsb(tmp_path / "dsb")
    monkeypatch.setattr(
        training, "builtin_sources", partial(sources.builtin_sources, n_fields=1, n_movies=2)
    )
    done = train([folder], tmp_path / "cells.onnx", QUICK, Options(data="builtin"))
    assert done.card.parent is None
    names = [f"image{k}" for k in range(12)]
    n_fit, n_check = ([part_of(name) for name in names].count(p) for p in ("fit", "check"))
    assert [part["images"] for part in done.card.data] == [n_fit, 1, 2]
    assert done.card.scores.get("pictures", 0) == n_check
    assert "DSB 2018" in done.card.never_seen[0]


@pytest.mark.parametrize("make", [lambda f: f / "nothing", lambda f: make_dsb(f / "none", 0)])
def test_the_recipe_needs_its_images(tmp_path, make):
    with pytest.raises(ReaderError, match=r"of the Data Science Bowl 2018, found 0 pairs"):
        train([make(tmp_path)], tmp_path / "a.onnx", QUICK, Options(data="builtin"))


def test_the_recipe_takes_one_folder(tmp_path):
    with pytest.raises(ExperimentError, match=r"--recipe builtin: expected one folder, found 2"):
        train([tmp_path, tmp_path], tmp_path / "a.onnx", None, Options(data="builtin"))


def test_the_pictures_of_the_recipe_have_their_licence(tmp_path):
    with pytest.raises(ExperimentError, match="--licence has no effect with --recipe builtin"):
        train([tmp_path], tmp_path / "a.onnx", None, Options(data="builtin", licence="CC0"))


def test_without_torch(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_steps", STEPS)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "zincflux.training.steps", raising=False)
    monkeypatch.delitem(sys.modules, "zincflux.training.network", raising=False)
    with pytest.raises(
        ExperimentError, match=r"the package torch.*pip install 'zincflux\[train\]'"
    ):
        train([pictures], tmp_path / "own.onnx", QUICK)


@pytest.mark.parametrize(
    ("out", "options", "error", "message"),
    [
        ("own.pt", {}, ExperimentError, r"--out: expected a name that ends in \.onnx"),
        ("old.onnx", {}, ExperimentError, r"this file exists\. Add --overwrite"),
        ("no/own.onnx", {}, ResultsError, r"expected the folder .*no to write to, found none"),
        ("folder.onnx", {"overwrite": True}, ExperimentError, r"expected a file, found a folder"),
        ("own.onnx", {"start": "no.onnx"}, SegmentationError, r"^--from: .* none at no\.onnx"),
        ("own.onnx", {"resume": True}, ResultsError, r"found none\. Leave --resume out"),
    ],
)
def test_what_cannot_be_done(pictures, tmp_path, out, options, error, message):
    (tmp_path / "old.onnx").write_bytes(b"old")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(error, match=message):
        train([pictures], tmp_path / out, QUICK, Options(**options))
    assert (tmp_path / "old.onnx").read_bytes() == b"old"


def test_a_file_that_cannot_be_written_can_still_be_had_later(pictures, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    out = tmp_path / "own.onnx"
    with monkeypatch.context() as patch:
        patch.setattr(training, "model_of", full)
        with pytest.raises(ResultsError, match=r"own\.onnx: this cannot be written: No space left"):
            train([pictures], out, QUICK)
    assert not list(tmp_path.glob(".*"))
    assert train([pictures], out, QUICK, Options(resume=True)).out == out


def test_the_rate_rises_stays_and_falls():
    rates = [BUILTIN.rate(step) for step in range(BUILTIN.steps)]
    level = slice(BUILTIN.warm_up, BUILTIN.steps - BUILTIN.cool_down)
    assert max(rates) == BUILTIN.learning_rate
    assert set(rates[level]) == {BUILTIN.learning_rate}
    assert (np.diff(rates[: BUILTIN.warm_up]) > 0).all()
    assert (np.diff(rates[level.stop :]) < 0).all()
    assert rates[-1] < 1e-6
    assert (BUILTIN.size(499), BUILTIN.size(500)) == (16, 8)
    assert BUILTIN.keep(0) < BUILTIN.keep(100) < BUILTIN.keep(10**6) == BUILTIN.averaging


def test_fewer_steps_keep_the_shares_of_the_recipe():
    short = recipe_for("builtin", steps=950, seed=5)
    assert (short.steps, short.cool_down, short.warm_up, short.early) == (950, 350, 20, 50)
    assert short.seed == 5
    assert recipe_for("own") == Recipe()
    with pytest.raises(ExperimentError, match="train: steps: "):
        recipe_for("own", steps=0)


def test_scores_of_nothing():
    assert complete(iter_judge(None, [], "judging")) == {}


def command(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_the_command_tells_what_came_of_it(pictures, tmp_path):
    out = tmp_path / "own.onnx"
    done = command(pictures, "--out", out, "--steps", 2, "--licence", "CC0", "--name", "mine")
    assert done.exit_code == 0, done.output
    assert "pictures of the user: 4" in done.output
    assert "F1 " in done.output
    assert "(before: " in done.output
    assert f'segment.model = "{out}"' in done.output
    told = json.loads(command(pictures, "--out", out, "--overwrite", "--steps", 2, "--json").stdout)
    assert told["card"]["recipe"]["steps"] == 2
    quiet = command(pictures, "--out", out, "--overwrite", "--steps", 2, "--quiet")
    assert quiet.output == ""


def test_the_command_says_what_is_wrong(pictures, tmp_path):
    done = command(tmp_path / "none", "--out", tmp_path / "a.onnx")
    assert done.exit_code == ReaderError.exit_status
    assert "expected a folder of pictures" in done.output
    wrong = command(pictures, "--recipe", "other", "--out", tmp_path / "a.onnx")
    assert wrong.exit_code == 2
    assert "--recipe: expected own or builtin, found other" in wrong.output


def test_few_pictures_are_told_of(tmp_path):
    from zincflux.wording import training_text

    text = training_text({"card": {"data": [], "scores": {}}, "before": {}, "out": "a.onnx"})
    assert "no picture was set aside" in text


def test_the_text_says_what_to_write_into_the_experiment():
    from zincflux.wording import training_text

    out = r"C:\dishes\new cells.onnx"
    scores = {"F1": 0.9, "F1_75": 0.5, "pictures": 1, "cells": 1}
    text = training_text({"card": {"data": [], "scores": scores}, "before": {}, "out": out})
    assert "F1 0.900 on 1 cell of 1 picture not learnt from" in text
    line = text.splitlines()[-1].partition(", ")[2]
    assert tomllib.loads(line) == {"segment": {"model": out}}


def test_steps_are_imported_where_torch_is_there(monkeypatch):
    fake = types.ModuleType("zincflux.training.steps")
    monkeypatch.setitem(sys.modules, "zincflux.training.steps", fake)
    assert STEPS() is fake
