"""Films: what a frame leaves in doubt, the frames around settle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scores import overlap

from zincflux.segment import FilmSegmenter, Otsu, Segment, Watershed, over_time, sketches
from zincflux.segment.contrast import picture_area
from zincflux.segment.over_time import windows
from zincflux.segment.sketches import learnt_over_time

DIAMETER = 22
SIDE = 110


def disc(y, x, radius=DIAMETER / 2):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.hypot(rows - y, columns - x) <= radius


def shot(*cells, blur=1.2, seed=0, noise=2.0):
    """Draw a frame of cells (brightness, pixels)."""
    light = 100.0 + sum(level * mask for level, mask in cells)
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(light, blur) + rng.normal(0, noise, light.shape)


def found(frames, **keys):
    segmenter = Watershed(diameter_um=DIAMETER, **keys)
    film = list(segmenter.film(frames, 1.0))
    assert len(film) == len(frames)
    return film, [segmenter(frame, 1.0) for frame in frames]


def numbers(labels):
    return [int(image.max()) for image in labels]


@cache
def crowd():
    """Frames of cells that wander, touch and differ in brightness."""
    rng = np.random.default_rng(5)
    places = np.array([(22, 22), (24, 45), (50, 30), (80, 25), (75, 70), (30, 85), (78, 93)], float)
    load = np.exp(rng.normal(5, 0.6, len(places)))
    frames = []
    for t in range(9):
        places = places + rng.normal(0, 0.7, places.shape)
        cells = zip(load, (disc(*place) for place in places), strict=True)
        frames.append(shot(*cells, seed=t, blur=4.0 if t == 4 else 1.2))
    return frames


def test_a_clump_that_flickers_between_one_and_two_cells_is_two():
    pair = (120, disc(55, 45.5)), (110, disc(55, 64.5))
    frames = [shot(*pair, seed=t, blur=5.0 if t == 4 else 1.2) for t in range(9)]
    film, single = found(frames)
    assert {1, 2} == set(numbers(single))
    assert numbers(film) == [2] * 9
    assert overlap(film[3], film[4]).max(axis=1).min() > 0.5


def test_a_dim_cell_beside_a_bright_one_does_not_come_and_go():
    frames = [shot((400, disc(55, 40)), (40, disc(55, 63)), seed=t) for t in range(10)]
    film, single = found(frames)
    assert {1, 2} == set(numbers(single))
    assert numbers(film) == [2] * 10


def test_a_cell_that_divides_is_one_and_then_two():
    mother = [shot((150, disc(55, 55)), seed=t) for t in range(6)]
    parted = [
        shot((170, disc(55, 55 - gap, 8)), (170, disc(55, 55 + gap, 8)), seed=10 + gap)
        for gap in (8, 9, 10, 11, 12, 12)
    ]
    film, _ = found(mother + parted)
    assert numbers(film) == [1] * 6 + [2] * 6


def test_one_cell_stays_one_where_it_looks_like_two_for_a_frame():
    whole, notch = disc(55, 55), np.abs(np.arange(SIDE) - 55) < 2
    frames = [
        shot((150, whole & ~notch) if t == 4 else (150, whole), seed=t, blur=1.0) for t in range(9)
    ]
    film, single = found(frames)
    assert numbers(single)[4] == 2
    assert numbers(film) == [1] * 9


def test_a_field_that_jumps_is_followed():
    pair = (120, disc(50, 40)), (110, disc(50, 62))
    frames = [shot(*pair, seed=t, blur=6.5 if t == 4 else 1.2) for t in range(9)]
    jump = [np.roll(frame, (7 * (t % 2), 9 * (t % 2)), (0, 1)) for t, frame in enumerate(frames)]
    still, moved = found(frames)[0], found(jump)[0]
    assert numbers(moved) == [2] * 9
    for t, (one, other) in enumerate(zip(still, moved, strict=True)):
        back = np.roll(other, (-7 * (t % 2), -9 * (t % 2)), (0, 1))
        assert overlap(one, back).max(axis=1).min() > 0.9


def test_blank_films_and_frames():
    blank = np.full((SIDE, SIDE), 7.0)
    assert numbers(found([blank] * 4)[0]) == [0] * 4
    assert found([])[0] == []
    frames = [shot((150, disc(50, 50)), seed=t) for t in range(5)]
    frames[2] = blank
    assert numbers(found(frames)[0]) == [1, 1, 0, 1, 1]
    dark = np.random.default_rng(0).normal(100, 2.0, (SIDE, SIDE))
    assert numbers(found([frames[0], dark, frames[1]])[0]) == [1, 0, 1]


def test_a_film_of_one_frame():
    (film,), (single,) = found([crowd()[0]])
    assert overlap(single, film).max(axis=1).min() > 0.9


def test_a_border_that_comes_and_goes():
    """Frames of different borders do not show the same place; each is looked at by itself."""
    frames = [frame.copy() for frame in crowd()[:3]]
    frames[1][:6] = 0.0
    film = found(frames)[0]
    assert not film[1][:6].any()
    assert film[1].max() >= 6


def test_threads_change_nothing():
    segmenter = Watershed(diameter_um=DIAMETER)
    expected = list(segmenter.film(iter(crowd()), 1.0))
    with ThreadPoolExecutor(3) as pool:
        other = list(segmenter.film(iter(crowd()), 1.0, spread=pool.map))
    np.testing.assert_array_equal(other, expected)


@pytest.mark.parametrize("drift", [0, 4])
def test_what_is_settled_would_be_chosen_again(monkeypatch, drift):
    """To leave out clumps around which nothing changed is only a matter of time."""
    frames = [np.roll(frame, drift * t, 1) for t, frame in enumerate(crowd())]
    film = list(Watershed(diameter_um=DIAMETER).film(frames, 1.0))
    left_out = []
    unsettled = sketches._unsettled

    def everything(own, cells, news):
        left_out.append(np.count_nonzero(~unsettled(own, cells, news)))
        return unsettled(own, cells, None)

    monkeypatch.setattr(sketches, "_unsettled", everything)
    same(list(Watershed(diameter_um=DIAMETER).film(frames, 1.0)), film)
    assert sum(left_out) > 0


@given(turns=st.integers(0, 3), mirror=st.booleans())
@settings(max_examples=5, deadline=None)
def test_turned_and_mirrored(turns, mirror):
    def turned(image):
        return np.rot90(image[:, ::-1] if mirror else image, turns)

    expected = [turned(image) for image in film_of_crowd()]
    same(list(Watershed(diameter_um=DIAMETER).film(map(turned, crowd()), 1.0)), expected)


@given(gain=st.floats(1e-3, 1e4), offset=st.floats(-100, 1e4))
@settings(max_examples=4, deadline=None)
def test_brighter_by_a_factor_and_an_offset(gain, offset):
    frames = [gain * (frame + offset) for frame in crowd()]
    same(list(Watershed(diameter_um=DIAMETER).film(frames, 1.0)), film_of_crowd())


def test_backwards():
    """Before and after count alike."""
    same(list(Watershed(diameter_um=DIAMETER).film(crowd()[::-1], 1.0))[::-1], film_of_crowd())


@cache
def film_of_crowd():
    return list(Watershed(diameter_um=DIAMETER).film(crowd(), 1.0))


def same(film, expected):
    """The same cells under other ids."""
    for one, other in zip(film, expected, strict=True):
        assert one.max() == other.max() > 0
        assert overlap(other, one).max(axis=1).min() > 0.98


def test_only_a_few_frames_are_held():
    read = []

    def frames():
        for t in range(40):
            read.append(t)
            yield crowd()[t % 9]

    film = Watershed(diameter_um=DIAMETER).film(frames(), 1.0)
    next(film)
    assert len(read) == 1 + over_time.SWEEPS * over_time.REACH
    next(film)
    assert len(read) == 2 + over_time.SWEEPS * over_time.REACH


def test_rows_that_are_blank_by_chance_do_not_set_frames_apart():
    """Counts of single photons: many a row at the edge holds none."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    cell = 3.0 * (np.hypot(y - 50, x - 45) < 11)
    frames = [rng.poisson(cell + 0.02).astype(float) for _ in range(8)]
    segmenter = Watershed(diameter_um=20.0)
    assert len({str(picture_area(frame)) for frame in frames}) > 1
    found = [segmenter._sketch(frame, 1.0)[1] for frame in frames]
    assert {str(one.place) for one in found} == {str((slice(None), slice(None)))}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_windows(n, reach):
    given_ = [None] * reach + list(range(1, n + 1)) + [None] * reach
    expected = [tuple(given_[k : k + 2 * reach + 1]) for k in range(n)]
    assert list(windows(range(1, n + 1), reach)) == expected


def test_network_of_other_looks_is_refused(monkeypatch):
    learnt_over_time.cache_clear()
    monkeypatch.setattr(sketches, "COMPANY", ("something else",))
    with pytest.raises(RuntimeError, match=r"likeness_over_time\.json: expected other looks"):
        learnt_over_time()
    learnt_over_time.cache_clear()


def test_which_segmenters_see_films():
    assert isinstance(Segment().film_segmenter(), Watershed)
    assert Segment(over_time=False).film_segmenter() is None
    assert Segment(method="otsu").film_segmenter() is None
    assert Segment(method="labels", labels="cells.tif").film_segmenter() is None
    assert not isinstance(Otsu(), FilmSegmenter)
    with pytest.raises(ValueError, match=r'over_time has no effect with method = "otsu"'):
        Segment(method="otsu", over_time=False)
