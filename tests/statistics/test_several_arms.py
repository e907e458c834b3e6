import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zincflux.statistics import compare_pairs, fit_arms
from zincflux.statistics.max_t import dunnett_critical, dunnett_p, tukey_critical, tukey_p


def apart(samples):
    return [{f"{i}/{j}": float(v) for j, v in enumerate(own)} for i, own in enumerate(samples)]


def together(table):
    """Arms from a table of days and arms."""
    return [{str(day): float(v) for day, v in enumerate(column)} for column in np.transpose(table)]


def draw(seed, sizes):
    rng = np.random.default_rng(seed)
    return [rng.normal(0.8 * i, 1, n) for i, n in enumerate(sizes)]


@pytest.mark.parametrize("sizes", [(3, 3, 3), (5, 4, 6, 3), (10, 4, 4, 4, 4)])
def test_separate_days_give_scipys_results(sizes):
    samples = draw(1, sizes)
    model = fit_arms(apart(samples))
    assert not model.blocked
    expected = stats.f_oneway(*samples)
    assert model.f_statistic == pytest.approx(expected.statistic)
    assert model.f_p_value == pytest.approx(expected.pvalue)
    pairs = compare_pairs(model, None, "tukey")
    tukey = stats.tukey_hsd(*samples)
    limits = tukey.confidence_interval()
    for pair in pairs:
        place = pair.first, pair.second
        assert pair.estimate == pytest.approx(tukey.statistic[place])
        assert pair.p_adjusted == pytest.approx(tukey.pvalue[place], abs=1e-8)
        assert pair.low == pytest.approx(limits.low[place], abs=1e-4)
        assert pair.high == pytest.approx(limits.high[place], abs=1e-4)


@pytest.mark.parametrize("sizes", [(3, 3, 3), (5, 4, 6, 3), (10, 4, 4, 4, 4)])
def test_dunnett_is_that_of_scipy(sizes):
    samples = draw(2, sizes)
    pairs = compare_pairs(fit_arms(apart(samples)), 0, "dunnett")
    rng = np.random.default_rng(0)
    expected = stats.dunnett(*samples[1:], control=samples[0], random_state=rng)
    limits = expected.confidence_interval()
    np.testing.assert_allclose([p.p_adjusted for p in pairs], expected.pvalue, atol=2e-3)
    np.testing.assert_allclose([p.low for p in pairs], limits.low, atol=0.02)
    np.testing.assert_allclose([p.high for p in pairs], limits.high, atol=0.02)


def test_shared_days_give_the_analysis_of_randomised_blocks():
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    anova_lm = pytest.importorskip("statsmodels.stats.anova").anova_lm
    import pandas as pd

    rng = np.random.default_rng(4)
    table = rng.normal(0, 1, (5, 1)) + rng.normal(0, 0.2, (5, 4)) + np.array([0, 0.1, 0.3, 0.2])
    model = fit_arms(together(table))
    assert model.blocked
    day, arm = (index.ravel() for index in np.indices(table.shape))
    data = pd.DataFrame({"y": table.ravel(), "day": day, "arm": arm})
    expected = anova_lm(statsmodels.ols("y ~ C(day) + C(arm)", data).fit()).loc["C(arm)"]
    assert model.f_statistic == pytest.approx(expected["F"])
    assert model.f_p_value == pytest.approx(expected["PR(>F)"])
    assert (model.f_df, model.df) == (3, 12)


def test_a_missing_arm_keeps_the_blocks():
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    import pandas as pd

    rng = np.random.default_rng(5)
    table = rng.normal(0, 1, (5, 1)) + rng.normal(0, 0.2, (5, 3)) + np.array([0, 0.5, 0.3])
    levels = together(table)
    del levels[2]["1"], levels[1]["4"]
    model = fit_arms(levels)
    data = pd.DataFrame(
        [(name, arm, v) for arm, own in enumerate(levels) for name, v in own.items()],
        columns=["day", "arm", "y"],
    )
    expected = statsmodels.ols("y ~ C(arm) + C(day)", data).fit()
    pairs = compare_pairs(model, 0, "dunnett")
    for pair in pairs:
        name = f"C(arm)[T.{pair.first}]"
        assert pair.estimate == pytest.approx(expected.params[name])
        assert pair.p_value == pytest.approx(expected.pvalues[name])
        assert pair.p_adjusted >= pair.p_value


def test_arms_that_no_day_links_are_compared_as_separate():
    levels = [{"a": 1.0, "b": 1.2, "c": 0.7}, {"a": 2.0, "b": 2.1, "c": 1.5}, {"x": 0.0, "y": 0.3}]
    assert not fit_arms(levels).blocked


@pytest.mark.parametrize(
    "levels",
    [
        [{"a": 1.0}, {"a": 2.0}],
        [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}],
    ],
)
def test_without_scatter_there_is_no_model(levels):
    assert fit_arms(levels) is None


def test_dunnett_needs_a_control():
    assert compare_pairs(fit_arms(apart(draw(0, (3, 3, 3)))), None, "dunnett") == ()


@pytest.mark.parametrize(
    ("n_treatments", "df", "expected"),
    # Dunnett 1964, two-sided, joint confidence 95 %.
    [(2, 10, 2.57), (3, 12, 2.68), (4, 20, 2.65), (5, 30, 2.66)],
)
def test_critical_values_of_dunnetts_tables(n_treatments, df, expected):
    equal = np.full((n_treatments, n_treatments), 0.5) + 0.5 * np.eye(n_treatments)
    assert dunnett_critical(0.05, equal, df) == pytest.approx(expected, abs=0.006)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.5, 6), st.integers(2, 8), st.integers(2, 60))
def test_the_range_is_that_of_scipy(t, n_arms, df):
    expected = stats.studentized_range.sf(t * 2**0.5, n_arms, df)
    assert tukey_p(t, n_arms, df) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("df", [2, 7, 40])
def test_critical_values_are_inverse(df):
    assert tukey_p(tukey_critical(0.05, 4, df), 4, df) == pytest.approx(0.05, abs=1e-5)
    equal = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    critical = dunnett_critical(0.01, equal, df)
    assert dunnett_p(critical, equal, df) == pytest.approx(0.01, abs=1e-5)


@pytest.mark.parametrize("df", [3, 20])
def test_two_comparisons_agree_with_the_bivariate_t(df):
    for rho in (0.3, -0.4):
        correlation = np.array([[1.0, rho], [rho, 1.0]])
        edge = np.full(2, 2.2)
        inside = stats.multivariate_t(shape=correlation, df=df).cdf(
            edge, lower_limit=-edge, maxpts=200000, random_state=np.random.default_rng(0)
        )
        assert dunnett_p(2.2, correlation, df) == pytest.approx(1 - inside, abs=2e-4)


def test_correlations_of_more_than_one_factor_are_integrated_by_scipy():
    correlation = np.array([[1, 0.5, 0.2], [0.5, 1, 0.6], [0.2, 0.6, 1]])
    found = dunnett_p(2.5, correlation, 12)
    draws = stats.multivariate_t(shape=correlation, df=12, seed=1).rvs(200000)
    simulated = np.mean(np.abs(draws).max(axis=1) > 2.5)
    assert found == pytest.approx(simulated, abs=0.003)
    assert dunnett_p(2.5, correlation, 12) == found
    negative = np.array([[1, -0.2, 0.2], [-0.2, 1, 0.1], [0.2, 0.1, 1]])
    assert 0 < dunnett_p(2.5, negative, 12) < 0.1


def test_partial_omega_squared_is_that_of_the_hand():
    # Arms explain 42, days 6, 4 are left with 4 degrees of freedom: variance 1.
    blocked = fit_arms(together([[1, 2, 6], [2, 4, 6], [3, 3, 9]]))
    assert blocked.variance == pytest.approx(1)
    assert blocked.omega_squared == pytest.approx((42 - 2 * 1) / (42 + (9 - 2) * 1))
    # Without days 10 are left with 6: (42 − 2·10/6) / (42 + 10 + 10/6).
    separate = fit_arms(apart([[1, 2, 3], [2, 4, 3], [6, 6, 9]]))
    assert separate.omega_squared == pytest.approx((42 - 20 / 6) / (52 + 10 / 6))
