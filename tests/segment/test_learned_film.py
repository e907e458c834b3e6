"""Films and the network: which summits are one cell, the frames around settle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scores import f1

from zincflux.segment import FilmSegmenter, Learned, Segment
from zincflux.segment.choice import choose, painted
from zincflux.segment.learned.basins import basins
from zincflux.segment.learned.cells import RULES
from zincflux.segment.learned.draft import evidence
from zincflux.segment.learned.joins import AS_IF_PASS, Joins
from zincflux.synthetic import Simulation, simulate

pytest.importorskip("onnxruntime")

DIAMETER_PX = 20.0
SIDE = 112


def shot(*places, seed=0, blur=1.2, side=SIDE):
    """Draw a frame of cells (y, x) of 20 pixels."""
    y, x = np.mgrid[:side, :side]
    light = 300.0 + sum(800.0 * (np.hypot(y - cy, x - cx) < 10) for cy, cx in places)
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(light, blur) + rng.normal(0, 15, light.shape)


PAIR = (56, 46), (56, 65)
ALONE = (22, 22), (90, 88), (24, 84)


def film_of(frames, **keys):
    return list(Learned(diameter_um=DIAMETER_PX).film(frames, 1.0, **keys))


def flickering():
    """Two cells that touch; one frame is out of focus."""
    return [shot(*PAIR, *ALONE, seed=t, blur=5.5 if t == 4 else 1.2) for t in range(9)]


@pytest.fixture(scope="module")
def settled():
    return film_of(flickering())


def test_a_clump_that_is_one_in_a_blurred_frame_is_two(settled):
    single = [Learned(diameter_um=DIAMETER_PX)(frame, 1.0) for frame in flickering()]
    assert {int(labels.max()) for labels in single} == {4, 5}
    assert [int(labels.max()) for labels in settled] == [5] * 9
    assert f1(settled[3], settled[4]) == 1


def test_clear_frames_are_what_they_are_alone(settled):
    for t in (0, 3, 8):
        assert f1(Learned(diameter_um=DIAMETER_PX)(flickering()[t], 1.0), settled[t]) == 1


def test_backwards(settled):
    for one, other in zip(film_of(flickering()[::-1])[::-1], settled, strict=True):
        assert f1(one, other) == 1


def test_threads_change_nothing(settled):
    with ThreadPoolExecutor(3) as pool:
        np.testing.assert_array_equal(film_of(flickering(), spread=pool.map), settled)


def test_a_cell_that_divides_is_one_and_then_two():
    mother = [shot((56, 56), *ALONE, seed=t) for t in range(5)]
    parted = [shot((56, 56 - gap), (56, 56 + gap), *ALONE, seed=gap) for gap in (11, 12, 13, 13)]
    assert [int(labels.max()) for labels in film_of(mother + parted)] == [4] * 5 + [5] * 4


def test_frames_without_anything_stay_empty():
    frames = [shot(*ALONE, seed=t) for t in range(3)]
    found = film_of([*frames, np.full((SIDE, SIDE), 300.0), *frames])
    assert [int(labels.max()) for labels in found] == [3, 3, 3, 0, 3, 3, 3]
    assert film_of([]) == []


def test_a_blank_border_counts_as_not_there():
    frames = [np.pad(shot(*PAIR, seed=t), 14) for t in range(3)]
    for labels in film_of(frames):
        assert labels.max() == 2
        assert not labels[:14].any()


def test_frames_that_contradict_each_other_join_nothing():
    """Cells that move far, in frames out of focus: each frame is as good as alone, or better."""
    frames = []
    for seed in range(5):
        crowd = Simulation(n_cells=70, n_frames=2, shape_px=(180, 180), seed=700 + seed)
        made = simulate(crowd)
        frames.append(ndimage.gaussian_filter(np.asarray(made.movie.data[0], float).sum(0), 4.0))
    segmenter, size = Learned(diameter_um=crowd.cell_diameter_um), crowd.pixel_size_um
    for labels, frame in zip(segmenter.film(frames, size), frames, strict=True):
        single = segmenter(frame, size)
        assert labels.max() >= 0.95 * single.max() > 10
        assert np.bincount(labels.ravel())[1:].max() <= 1.05 * np.bincount(single.ravel())[1:].max()


def test_which_settings_see_films():
    assert isinstance(Segment(method="learned").film_segmenter(), FilmSegmenter)
    assert Segment(method="learned", over_time=False).film_segmenter() is None


def bumps(seed, side=40):
    """Depth with several summits, and where there are cells."""
    depth = ndimage.gaussian_filter(np.random.default_rng(seed).random((side, side)), 3)
    depth = ((depth - depth.min()) / np.ptp(depth)).astype(np.float32)
    return depth, depth > 0.3


def leaves_below(tree, node):
    if node < tree.n_leaves:
        return [node]
    return [leaf for child in tree.children[node] for leaf in leaves_below(tree, child)]


def sound(tree):
    """Check what `Tree` promises."""
    n = tree.n_leaves
    assert tree.pieces.max(initial=0) == n == tree.children[:, 0].tolist().count(-1)
    sizes = np.bincount(tree.pieces.ravel(), minlength=n + 1)[1:]
    for node in range(tree.parent.size):
        assert tree.area[node] == sizes[leaves_below(tree, node)].sum()
        if tree.parent[node] >= 0:
            assert node in tree.children[tree.parent[node]]
    assert [node for pair in tree.rounds for node in range(*pair)] == list(range(n, len(tree.area)))
    for start, stop in tree.rounds:
        assert (tree.children[start:stop] < start).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_every_join_is_a_candidate(seed):
    depth, inside = bumps(seed)
    tree = Joins.seen(depth, inside)
    sound(tree)
    assert ((tree.pieces > 0) == inside).all()
    # Everything connected is joined in the end.
    roots = np.count_nonzero(tree.parent < 0)
    assert roots == ndimage.label(inside, np.ones((3, 3)))[1]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_without_other_frames_the_high_passes_are_bridged(seed):
    depth, inside = bumps(seed)
    tree = Joins.seen(depth, inside)
    chosen, nodes = painted(tree.pieces, choose(tree, evidence(tree)))
    assert (tree.share[nodes] > RULES.saddle).all()
    # Where all passes are high, or all low, the order of bridging does not matter.
    if (tree.share > RULES.saddle).all() or (tree.share[tree.n_leaves :] < RULES.saddle).all():
        assert chosen.max() == basins(depth, inside, RULES.saddle).max()


@given(seed=st.integers(0, 10_000), other=st.integers(0, 10_000))
@settings(max_examples=15)
def test_cuts_divide_pieces_and_nothing_else(seed, other):
    depth, inside = bumps(seed)
    tree = Joins.seen(depth, inside)
    cells = basins(*bumps(other), 0.9)
    cut = tree.cut(cells, area_px=100.0)
    sound(cut)
    owners = [np.unique(tree.pieces[cut.pieces == k]) for k in range(1, cut.n_leaves + 1)]
    assert all(len(owner) == 1 for owner in owners)
    assert ((cut.pieces > 0) == inside).all()
    # A join for every further part, as if there were a high pass.
    assert len(cut.share) - len(tree.share) == 2 * (cut.n_leaves - tree.n_leaves)
    assert np.count_nonzero(cut.share == AS_IF_PASS) >= cut.n_leaves - tree.n_leaves
    # What was cut is not cut again by the same cells, nor by others.
    first = set(range(cut.n_uncut))
    again = cut.cut(np.rot90(cells).copy(), area_px=100.0)
    assert again.n_uncut <= len(first)
    same = cut.cut(cells, area_px=100.0)
    assert same.n_leaves == cut.n_leaves


def test_the_parts_follow_the_nearer_cell():
    depth = np.zeros((20, 40), np.float32)
    depth[5:15, 5:35] = 0.5
    depth[10, 20] = 0.8
    tree = Joins.seen(depth, depth > 0)
    assert tree.n_leaves == 1
    cells = np.zeros((20, 40), np.int32)
    cells[5:15, 5:16], cells[5:15, 24:35] = 1, 2
    cut = tree.cut(cells, area_px=150.0)
    assert (cut.n_leaves, cut.n_uncut) == (2, 0)
    left, right = cut.pieces[10, 6], cut.pieces[10, 33]
    assert (cut.pieces[5:15, 5:19] == left).all()
    assert (cut.pieces[5:15, 21:35] == right).all()
