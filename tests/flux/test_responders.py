"""Responders: how often a cell that does nothing is called one, and how often one is found."""

import numpy as np
import pytest

from zincflux.flux import false_positive_rate, responders


def null_movie(correlation, *, n_cells=20_000, n_base=12, n_window=60, seed=1):
    """Traces that do nothing but scatter, each frame resembling the one before it."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n_cells, n_base + n_window))
    for t in range(1, noise.shape[1]):
        noise[:, t] = correlation * noise[:, t - 1] + np.sqrt(1 - correlation**2) * noise[:, t]
    baseline = np.arange(noise.shape[1]) < n_base
    return 1 + 0.02 * noise, baseline


@pytest.mark.parametrize("n_base", [5, 12, 30])
@pytest.mark.parametrize("k", [2.0, 3.0])
def test_false_positives_with_independent_frames(n_base, k):
    traces, baseline = null_movie(0.0, n_base=n_base)
    rate = responders(traces, baseline, ~baseline, k).mean()
    print(f"white noise, {n_base} baseline frames, k {k:g}: {100 * rate:.2f} % called responders")
    assert rate == pytest.approx(false_positive_rate(k), rel=0.5)


@pytest.mark.parametrize(("correlation", "limit"), [(0.3, 0.006), (0.6, 0.012)])
def test_false_positives_with_frames_that_resemble_each_other(correlation, limit):
    traces, baseline = null_movie(correlation)
    rate = responders(traces, baseline, ~baseline, 3.0).mean()
    print(f"correlation {correlation:g}, 12 baseline frames: {100 * rate:.2f} % called responders")
    assert rate < limit


def test_few_cells_do_not_spoil_the_rate():
    hits = [
        responders(*select(null_movie(0.0, n_cells=20, seed=seed)), 3.0).mean()
        for seed in range(100)
    ]
    assert np.mean(hits) < 0.008


def select(movie):
    traces, baseline = movie
    return traces, baseline, ~baseline


@pytest.mark.parametrize("direction", [1, -1])
def test_a_rise_and_a_fall_are_found(direction):
    traces, baseline = null_movie(0.0, n_cells=500)
    traces[:, ~baseline] += direction * 0.06
    assert responders(traces, baseline, ~baseline, 3.0).mean() > 0.95


def test_what_cannot_be_tested_is_no_responder():
    traces = np.array(
        [[1.0, 1.1, 0.9, 5, 5], [np.nan, 1, 0.9, 5, 5], [1, 1.1, 0.9, np.nan, np.nan]]
    )
    baseline = np.array([True, True, True, False, False])
    np.testing.assert_equal(responders(traces, baseline, ~baseline, 3.0), [True, False, False])
    assert not responders(traces[1:], baseline, ~baseline, 3.0).any()


def test_missing_frames_are_left_out():
    traces, baseline = null_movie(0.0, n_cells=4000)
    traces[:, [3, 40]] = np.nan
    assert responders(traces, baseline, ~baseline, 3.0).mean() < 0.006


@pytest.mark.parametrize("unlike", [0.0, 0.5])
def test_false_positives_in_small_dishes_of_unequal_cells(unlike):
    hits = []
    for seed in range(1000, 1200):
        rng = np.random.default_rng(seed)
        traces, baseline = null_movie(0.0, n_cells=14, n_base=10, seed=seed)
        scale = np.exp(rng.normal(0, unlike, 14))[:, None]
        hits.append(responders(1 + scale * (traces - 1), baseline, ~baseline, 3.0).mean())
    print(f"cells unlike by {unlike:g} in ln sd: {100 * np.mean(hits):.2f} % called responders")
    assert np.mean(hits) < 0.008


def test_a_disturbance_of_the_baseline_does_not_hide_a_response():
    """Ten frames with a common step look so correlated that one cell alone says nothing."""
    traces, baseline = null_movie(0.0, n_cells=14, n_base=10, n_window=20)
    traces[:, 6:10] += 0.03 * np.linspace(0.5, 1.5, 14)[:, None]
    assert not responders(traces[:1], baseline, ~baseline, 3.0).any()
    traces[:, ~baseline] += 0.5
    assert responders(traces, baseline, ~baseline, 3.0).all()
