"""Variances that many cells have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zincflux.flux.moderate import moderate


def drawn(n, freedom, common_freedom, seed=0):
    """Variances of cells whose true variances are drawn around 2."""
    rng = np.random.default_rng(seed)
    true = 2 * common_freedom / rng.chisquare(common_freedom, n)
    return true * rng.chisquare(freedom, n) / freedom, true


@pytest.mark.parametrize("common_freedom", [3.0, 10.0, 40.0])
def test_what_the_cells_have_in_common_is_found(common_freedom):
    own, _ = drawn(20_000, 5.0, common_freedom)
    _, freedom = moderate(own, np.full(len(own), 5.0))
    assert freedom[0] - 5.0 == pytest.approx(common_freedom, rel=0.15)


def test_the_combined_variance_is_nearer_to_the_truth():
    own, true = drawn(2000, 4.0, 12.0)
    combined, _ = moderate(own, np.full(len(own), 4.0))
    error = [np.mean(np.log(guess / true) ** 2) for guess in (own, combined)]
    assert error[1] < 0.5 * error[0]


def test_the_moderated_t_keeps_its_level():
    rng = np.random.default_rng(1000)
    own, true = drawn(20_000, 4.0, 8.0, seed=1001)
    combined, freedom = moderate(own, np.full(len(own), 4.0))
    t = rng.normal(size=len(own)) * np.sqrt(true / combined)
    assert np.mean(2 * stats.t.sf(np.abs(t), freedom) < 0.01) == pytest.approx(0.01, abs=0.003)


@given(
    st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=20),
    st.floats(1, 100),
    st.floats(1e-3, 1e3),
)
def test_scale_and_order_do_not_matter(own, freedom, scale):
    own = np.array(own)
    freedoms = np.full(len(own), freedom)
    combined, total = moderate(own, freedoms)
    again, total_again = moderate(own[::-1] * scale, freedoms)
    np.testing.assert_allclose(again[::-1], combined * scale, rtol=1e-6)
    np.testing.assert_allclose(total_again, total[::-1], rtol=1e-6)
    assert (total >= freedoms).all()


def test_few_cells_stay_as_they_are():
    own, freedom = np.array([1.0, 2.0, 0.0]), np.full(3, 2.0)
    np.testing.assert_array_equal(moderate(own, freedom), (own, freedom))


def test_cells_without_any_likeness_stay_as_they_are():
    own, freedom = 10.0 ** np.arange(-300, 300, 100.0), np.full(6, 50.0)
    combined, total = moderate(own, freedom)
    np.testing.assert_allclose(combined, own, rtol=0.01, atol=1e-200)
    np.testing.assert_allclose(total, freedom, atol=0.1)
