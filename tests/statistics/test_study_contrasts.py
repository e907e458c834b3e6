import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zincflux.statistics import contrast, holm, percentile_interval

LEVELS = st.lists(st.floats(-2, 2), min_size=3, max_size=8, unique=True)


def named(levels, prefix=""):
    return {f"{prefix}{i}": float(level) for i, level in enumerate(levels)}


def scattered(levels):
    return np.std(levels) > 1e-3


@given(LEVELS, st.integers(0, 100))
def test_shared_days_are_paired_as_scipy_does(levels, seed):
    control = np.random.default_rng(seed).normal(0, 1, len(levels))
    found = contrast(named(levels), named(control))
    expected = stats.ttest_rel(levels, control)
    interval = expected.confidence_interval(0.95)
    assert found.pairing == "paired"
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p_value, found.low, found.high],
        [expected.statistic, expected.df, expected.pvalue, interval.low, interval.high],
        rtol=1e-6,
        atol=1e-12,
    )
    off = np.array(levels) - control
    assert found.effect_size == pytest.approx(off.mean() / off.std(ddof=1))
    assert found.effect_measure == "d_z"


@given(LEVELS.filter(scattered), LEVELS.filter(scattered), st.sampled_from([0.05, 0.01]))
def test_separate_days_are_compared_as_welch_does(first, second, alpha):
    found = contrast(named(first, "a"), named(second, "b"), alpha)
    expected = stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval(1 - alpha)
    assert found.pairing == "unpaired"
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p_value, found.low, found.high],
        [expected.statistic, expected.df, expected.pvalue, interval.low, interval.high],
        rtol=1e-6,
        atol=1e-9,
    )
    assert found.effect_measure == "Hedges' g"
    assert "no experiment has both arms" in found.note


def test_students_sleep_data():
    # Student 1908, Biometrika 6:1: extra hours of sleep of the same ten patients under two drugs;
    # t = −4.062 with 9 degrees of freedom, p = 0.00283, interval −2.460 to −0.700.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = contrast(named(first), named(second))
    assert found.statistic == pytest.approx(-4.0621, abs=5e-5)
    assert found.p_value == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    # The same as if the groups were independent (Welch): t = −1.8608, df = 17.776, p = 0.07939.
    apart = contrast(named(first, "a"), named(second, "b"))
    assert apart.statistic == pytest.approx(-1.8608, abs=5e-5)
    assert apart.df == pytest.approx(17.776, abs=5e-4)
    assert apart.p_value == pytest.approx(0.07939, abs=5e-6)


def test_a_fold_change_by_hand():
    # Ratios 2, 4 and 2: the mean of the log₂ is 4/3, the sd 1/√3, so that the interval is
    # 4/3 ± 4.302653·(1/3) in log₂.
    found = contrast(
        {"a": np.log(2), "b": np.log(8), "c": np.log(10)},
        {"a": np.log(1), "b": np.log(2), "c": np.log(5)},
    )
    np.testing.assert_allclose(
        np.exp([found.estimate, found.low, found.high]),
        [2 ** (4 / 3), 2 ** (4 / 3 - 4.302653 / 3), 2 ** (4 / 3 + 4.302653 / 3)],
        rtol=1e-6,
    )


def test_hedges_g_by_hand():
    # Means 2 and 5, pooled sd 1, 4 degrees of freedom: −3·(1 − 3/15).
    found = contrast(named([1.0, 2.0, 3.0], "a"), named([4.0, 5.0, 6.0], "b"))
    assert found.effect_size == pytest.approx(-2.4)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("prefix", ["", "other "])
def test_too_few_experiments_give_an_estimate_alone(n, prefix):
    found = contrast(named([1.0, 2.0][:n]), named([0.5, 0.5][:n], prefix))
    assert np.isfinite(found.estimate)
    assert np.isnan([found.low, found.high, found.p_value, found.bootstrap_low]).all()
    assert found.note.startswith(f"too few experiments ({n}): at least 3 are needed")
    assert found.effect_measure == ""


def test_nothing_on_one_side():
    found = contrast(named([1.0, 2.0, 3.0]), {})
    assert np.isnan(found.estimate)
    assert found.note == "no experiment with a number on both sides"


def test_days_with_one_arm_are_left_out_of_pairs():
    found = contrast(named([1.0, 2.0, 4.0, 9.0]), named([0.0, 1.5, 2.0]))
    assert found.pairing == "paired"
    assert found.experiments == ("0", "1", "2")
    assert "1 experiments have only one of the two arms" in found.note


def test_two_shared_days_of_many_are_no_pairs():
    first = {"x": 1.0, "y": 2.0, "a": 1.2, "b": 0.8}
    second = {"x": 0.5, "y": 1.0, "c": 0.9, "d": 0.2}
    found = contrast(first, second)
    assert found.pairing == "unpaired"
    assert "only 2 experiments have both arms" in found.note


@pytest.mark.parametrize("prefix", ["", "other "])
def test_experiments_without_scatter_give_no_test(prefix):
    found = contrast(named([2.0, 2.0, 2.0]), named([1.0, 1.0, 1.0], prefix))
    assert found.estimate == 1.0
    assert np.isnan(found.p_value)
    assert "do not differ at all" in found.note


@given(LEVELS.filter(scattered), st.floats(-3, 3))
def test_exchanging_the_arms_inverts_the_result(levels, shift):
    control = named([shift + 0.1 * i for i in range(len(levels))])
    there, back = contrast(named(levels), control), contrast(control, named(levels))
    np.testing.assert_allclose(
        [there.estimate, there.low, there.p_value], [-back.estimate, -back.high, back.p_value]
    )


def test_holm_is_that_of_statsmodels():
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    p = np.random.default_rng(3).random(9) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_holm_leaves_out_what_was_not_tested():
    np.testing.assert_allclose(holm([0.04, np.nan, 0.01]), [0.04, np.nan, 0.02])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_lies_between_the_p_value_and_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(np.array(p) * len(p), 1) + 1e-12).all()


def test_the_bootstrap_is_that_of_scipy():
    levels = np.random.default_rng(5).normal(1, 0.3, 8)
    expected = stats.bootstrap(
        (levels,), np.mean, method="percentile", n_resamples=20000, random_state=1
    ).confidence_interval
    np.testing.assert_allclose(percentile_interval(levels, None), expected, atol=0.02)


def test_the_bootstrap_is_the_same_each_time_and_never_beyond_the_experiments():
    levels = np.array([0.1, 0.5, 0.9])
    low, high = percentile_interval(levels, None)
    assert percentile_interval(levels, None) == (low, high)
    assert low >= 0.1
    assert high <= 0.9
    assert percentile_interval(levels, levels)[0] < 0 < percentile_interval(levels, levels)[1]
