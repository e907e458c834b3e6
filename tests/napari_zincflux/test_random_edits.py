"""Fifty mixed corrections give the same tables in the dock and on the command line."""

import numpy as np
import pandas as pd
import pytest

import zincflux
from napari_zincflux.corrections import Corrections
from napari_zincflux.errors import CorrectionError
from napari_zincflux.link_telling import LinkTelling

pytestmark = pytest.mark.slow

N_EDITS = 50
TABLES = ("traces", "cells", "responses", "frames", "suspects")


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """Give the experiment file of a small simulated movie, static or moving."""
    from zincflux.results import write_simulation

    made = {}

    def give(moving):
        if moving not in made:
            folder = tmp_path_factory.mktemp("moving" if moving else "static")
            settings = zincflux.Simulation(
                kind="fret" if moving else "intensity",
                moving=moving,
                n_cells=12,
                n_frames=24 if moving else 60,
                frame_interval_s=120.0 if moving else 10.0,
                shape_px=(128, 128),
                seed=3,
            )
            for _ in write_simulation(zincflux.simulate(settings), folder):
                pass
            made[moving] = folder / "experiment.toml"
        return made[moving]

    return give


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


class Hand:
    """Somebody who clicks at random."""

    def __init__(self, corrections, seed, n_frames):
        self.made, self.rng = corrections, np.random.default_rng(seed)
        self.telling = LinkTelling(corrections)
        self.n_frames = n_frames

    def act(self):
        kinds = ["merge", "split", "line", "delete", "draw", "exclude", "accept", "undo", "redo"]
        links = ["relink", "end", "divide"] if self.made.follows else []
        t = int(self.rng.integers(0, self.n_frames - 2)) if self.made.follows else 0
        getattr(self, str(self.rng.choice(kinds + links)))(t)

    def cells(self, t, n=1):
        ids = np.unique(self.made.labels(t))
        return [int(cell) for cell in self.rng.permutation(ids[ids > 0])[:n]]

    def merge(self, t):
        self.made.merge(self.cells(t, 2), t)

    def split(self, t):
        self.made.split(self.cells(t)[0], t)

    def line(self, t):
        ends = self.rng.integers(0, 128, 4).tolist()
        self.made.split(self.cells(t)[0], t, line=((ends[0], ends[1]), (ends[2], ends[3])))

    def delete(self, t):
        if len(self.cells(t, 99)) > 7:
            self.made.delete(self.cells(t), t)

    def draw(self, t):
        drawn = self.made.labels(t)
        y, x = self.rng.integers(0, 116, 2)
        value = self.rng.choice([0, int(drawn.max()) + 1, *self.cells(t)])
        drawn[y : y + 11, x : x + 11] = value
        self.made.draw(drawn, t)

    def exclude(self, t):
        self.made.exclude(self.cells(t), str(self.rng.choice(["dead", "µ-debris"])), t)

    def relink(self, t):
        self.made.relink((self.cells(t)[0], t), (self.cells(t + 1)[0], t + 1))

    def end(self, t):
        self.made.relink((self.cells(t)[0], t))

    def divide(self, t):
        self.telling.divide(self.cells(t), t)
        later = int(self.rng.integers(t + 1, self.n_frames))
        self.telling.divide(self.cells(later, 2), later)

    def accept(self, _):
        suspects = self.made.analysis.suspects
        if len(suspects):
            one = suspects.iloc[int(self.rng.integers(len(suspects)))]
            self.made.accept_suspect(int(one["cell_id"]), int(one["frame"]), one["kind"])

    def undo(self, _):
        self.made.undo()

    def redo(self, _):
        self.made.redo()


@pytest.mark.parametrize("moving", [False, True], ids=["static", "moving"])
@pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")
def test_dock_and_command_line_agree(movies, tmp_path, moving):
    file = movies(moving)
    experiment = zincflux.load_experiment(file)
    log = tmp_path / "edits.toml"
    made = Corrections(zincflux.analyze(experiment, keep=True), autosave=log)
    hand = Hand(made, seed=11, n_frames=24)
    tries = 0
    while len(made.log) < N_EDITS:
        tries += 1
        assert tries < 20 * N_EDITS
        try:
            hand.act()
        except CorrectionError:
            continue
        if tries % 9 == 0:
            made.accept(finish(made.update()))
    if made.stale:
        made.accept(finish(made.update()))
    outcome = zincflux.run(file, tmp_path / "out", assignments=[f"edits.path={log.as_posix()}"])
    results = zincflux.read_results(outcome.out)
    assert made.analysis.edits.applied > N_EDITS // 2
    kinds = {edit.kind for edit in made.log.edits}
    assert len(kinds) >= (5 if not moving else 8)
    assert ("division" in kinds) is moving
    assert "accept" in kinds
    assert made.analysis.suspects["accepted"].any()
    for name in TABLES:
        ours = getattr(made.analysis, name)
        pd.testing.assert_frame_equal(
            ours, getattr(results, name), check_exact=True, check_dtype=False
        )
    for ours, stored in zip(made.analysis.label_images, results.labels, strict=True):
        np.testing.assert_array_equal(ours, stored)
