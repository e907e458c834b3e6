"""The time grid of a study, and levels that lie beyond the range."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zincflux.batch.courses import MAX_POINTS, Course, Grid, Protocol, dish_courses, pool
from zincflux.batch.heat import _evenly, choose_cells
from zincflux.batch.wide import Wide, beyond_peak, beyond_plateau, middle, sides
from zincflux.flux import CellTraces, Flux, response_metrics
from zincflux.phases import Phase

LEVELS = st.sampled_from([-np.inf, np.inf, np.nan]) | st.floats(-1e6, 1e6, allow_subnormal=False)


@given(arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 4)), elements=LEVELS))
def test_the_middle_ranks_what_lies_beyond(ranked):
    found = middle(ranked)
    for column, value in zip(ranked.T, found, strict=True):
        known = np.sort(column[~np.isnan(column)])
        low, high = (known[(len(known) - 1) // 2], known[len(known) // 2]) if len(known) else (0, 0)
        if not len(known) or (low == -np.inf and high == np.inf):
            assert np.isnan(value)
        else:
            assert value == pytest.approx((low + high) / 2)


def test_nothing_has_no_middle():
    assert np.isnan(middle(np.empty((0, 3)))).all()


@given(
    st.integers(2, 60),
    st.sampled_from([0.5, 1.0, 3.0, 5.1]),
    st.floats(-500, 0),
)
def test_a_regular_movie_keeps_its_values_on_the_grid(n, step, start):
    time = start + step * np.arange(n)
    grid = Grid.of([time])
    values = np.arange(2.0 * n).reshape(2, n)
    put = grid.put(time, values)
    assert grid.n in (n, n + 1)  # an edge between two times may add one
    assert sorted(put[0][np.isfinite(put[0])]) == pytest.approx(values[0])
    nearest = np.abs(grid.time_s[:, None] - time).min(axis=1)
    assert (nearest[np.isfinite(put[0])] <= step / 2 * (1 + 1e-6)).all()


def test_the_slowest_movie_sets_the_step_and_shared_times_take_the_median():
    fast, slow = np.arange(0, 20, 2.0), np.arange(0, 20, 6.0)
    grid = Grid.of([fast, slow])
    assert grid.step_s == 6.0
    put = grid.put(fast, fast[None])
    assert put[0].tolist() == [1.0, 6.0, 12.0, 17.0]  # medians of 0–2, 4–8, 10–14, 16–18


def test_long_movies_get_a_wider_step():
    grid = Grid.of([np.arange(0, 10 * MAX_POINTS, 1.0)])
    assert grid.n <= MAX_POINTS + 1


def test_no_movies_have_a_grid():
    assert Grid.of([]).n == 1


PHASE = Phase(name="zinc", role="response", start_s=10, end_s=40)


def wide_of(zinc):
    """Traces with frames beyond the range as infinities."""
    time = np.arange(zinc.shape[1]) * 1.0
    zeros = np.zeros_like(zinc)
    return Wide(time_s=time, zinc_nM=zinc, f_f0=zeros + 1, signal=zeros, clipped_fraction=zeros)


@given(arrays(np.float64, (4, 45), elements=LEVELS))
def test_sides_and_numbers_of_flux_never_contradict(zinc):
    wide = wide_of(zinc)
    traces = CellTraces(
        wide.time_s,
        np.ones_like(zinc),
        np.where(np.isfinite(zinc), zinc, np.nan),
        wide.codes,
    )
    before = wide.time_s < 10
    metrics = response_metrics(traces, PHASE, before, Flux())
    plateau, peak = beyond_plateau(wide, PHASE), beyond_peak(wide, PHASE, None)
    assert not (np.isfinite(metrics["plateau_zinc_nM"]) & (plateau != "")).any()
    assert not (np.isfinite(metrics["peak_zinc_nM"]) & (peak != "")).any()


def test_sides_by_hand():
    zinc = np.full((3, 45), 5.0)
    zinc[0, 20:22] = np.inf
    zinc[1, 34:40] = np.inf
    zinc[2, :] = -np.inf
    wide = wide_of(zinc)
    assert beyond_peak(wide, PHASE, None).tolist() == ["above", "above", "below"]
    assert beyond_plateau(wide, PHASE).tolist() == ["", "above", "below"]
    assert sides(np.array([np.nan, -np.inf, 1.0])).tolist() == ["", "below", ""]


def test_a_dish_is_the_median_of_all_its_cells_whatever_the_movie():
    grid = Grid(1.0, 0, 2)
    courses = [
        Course("", "", "f_f0", np.array([[1.0, np.nan], [2.0, np.inf]])),
        Course("", "", "f_f0", np.array([[9.0, np.inf]])),
    ]
    keys = {
        "condition": "c",
        "dose": np.nan,
        "dose_unit": "",
        "experiment": "e",
        "replicate": "r",
    }
    (table,) = dish_courses(keys, courses, grid)
    assert table.value.tolist() == [2.0, np.inf]
    assert table.n_cells.tolist() == [3, 2]
    pooled = pool([table], 0.05)
    assert pooled.share_above.tolist() == [0.0, 1.0]
    assert pooled.mean_of_dishes[0] == 2.0
    assert np.isnan(pooled.mean_of_dishes[1])


def protocol(first_s, *starts_s, end_s=300.0, last_end_s=None, role="response"):
    """Rest, zinc, chelator; aligned at the start of the zinc."""
    names = ("rest", "zinc", "chelator")
    ends = (*starts_s, last_end_s)
    phases = [
        Phase(name=name, role=role if name == "zinc" else "ignore", start_s=start, end_s=end)
        for name, start, end in zip(names, (first_s, *starts_s), ends, strict=True)
    ]
    return Protocol("dish", phases, starts_s[0], end_s)


FIRST = protocol(0, 60, 160)


@pytest.mark.parametrize(
    ("other", "is_other"),
    [
        (protocol(0, 60, 160), False),
        (protocol(40, 100, 200), False),  # the whole protocol later in the movie
        (protocol(0, 65, 165), False),  # within one step
        (protocol(0, 66, 166), True),  # a longer rest
        (protocol(0, 60, 166), True),  # a longer response: pooled levels would mix phases
        (protocol(0, 60, 154), True),
        (protocol(0, 60, 160, end_s=500), False),  # both open to the end
        (protocol(0, 60, 160, last_end_s=300), False),
        (protocol(0, 60, 160, last_end_s=290), True),
        (protocol(0, 60, 160, role="maximum"), True),
        (Protocol("dish", FIRST.phases[:2], 60, 300), True),
    ],
)
def test_phases_at_other_times_differ(other, is_other):
    assert other.differs(FIRST, 5.0) is is_other
    assert FIRST.differs(other, 5.0) is is_other


def test_movies_without_phases_do_not_differ():
    assert not Protocol("a", (), 0, 10).differs(Protocol("b", (), 0, 90), 1.0)


def test_no_courses_are_an_empty_table():
    assert not len(pool([], 0.05))


@given(st.integers(1, 500), st.integers(1, 60))
def test_chosen_ranks_are_evenly_spread(n, most):
    picked = np.flatnonzero(_evenly(np.arange(n), np.full(n, n), most))
    assert len(picked) == min(n, most)
    gaps = np.diff(picked)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def test_without_used_cells_none_is_chosen():
    columns = ["condition", "dose", "dose_unit", "group", "sample", "cell_id", "region"]
    cells = pd.DataFrame(columns=[*columns, "excluded", "baseline_zinc_nM"])
    responses = pd.DataFrame(columns=["peak_zinc_nM", "total_rate_uM_per_s", "rate_f_f0_per_s"])
    for name in ("peak_f_f0", "half_time_s"):
        responses[name] = []
    assert not len(choose_cells(cells, responses, ()))
