import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_values import COLUMNS, NO_DOSE, drawn, values

from zincflux.statistics import dish_levels, experiment_levels, scale_of


def one_dish(numbers, sides=None):
    table = values([("a", "day", "1", numbers)])
    if sides is not None:
        table["censored"] = sides
    return table


def test_levels_are_those_of_numpy():
    table = drawn({("a", 0.0): 1.0, ("a", 30.0): 2.0}, days=2)
    found = dish_levels(table)
    assert len(found) == 2 * 2 * 2
    for row in found.itertuples():
        own = table[
            (table.dose == row.dose)
            & (table.experiment == row.experiment)
            & (table.replicate == row.replicate)
        ].value
        assert row.n_cells == len(own)
        np.testing.assert_allclose(
            [row.median, row.mean, row.geometric_mean],
            [np.median(own), own.mean(), np.exp(np.log(own).mean())],
        )


@pytest.mark.slow
@given(
    st.lists(st.floats(0.1, 10), min_size=1, max_size=12),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 3),
)
def test_censored_cells_rank_below_and_above_all(numbers, n_below, n_above, n_missing):
    padded = [*numbers, *[1.0] * n_below, *[np.nan] * n_above, *[np.nan] * n_missing]
    sides = [""] * len(numbers) + ["below"] * n_below + ["above"] * n_above + [""] * n_missing
    row = dish_levels(one_dish(padded, sides)).iloc[0]
    with np.errstate(invalid="ignore"):
        expected = np.median([-np.inf] * n_below + numbers + [np.inf] * n_above)
    assert (row.n_cells, row.n_missing) == (len(numbers) + n_below + n_above, n_missing)
    assert (row.n_below, row.n_above) == (n_below, n_above)
    if np.isfinite(expected):
        assert row["median"] == pytest.approx(expected)
        assert row.beyond == ""
    else:
        assert np.isnan(row["median"])
        side = {-np.inf: "below", np.inf: "above"}.get(expected, "both")
        assert row.beyond == side


@pytest.mark.parametrize("level", ["mean", "geometric-mean"])
@pytest.mark.parametrize(("n_above", "is_blank"), [(1, False), (2, True)])
def test_means_are_blank_above_five_percent_beyond_the_range(level, n_above, is_blank):
    numbers = [2.0] * 20 + [np.nan] * n_above
    row = dish_levels(one_dish(numbers, [""] * 20 + ["above"] * n_above), level).iloc[0]
    assert np.isnan(row.level) == is_blank
    assert row.beyond == ("above" if is_blank else "")


def test_a_geometric_mean_needs_numbers_above_zero():
    row = dish_levels(one_dish([1.0, -1.0, 2.0])).iloc[0]
    assert np.isnan(row.geometric_mean)
    assert row["mean"] == pytest.approx(2 / 3)
    assert row.beyond == ""
    blank = dish_levels(one_dish([1.0, -1.0, 2.0]), "geometric-mean").iloc[0]
    assert blank.beyond == "not positive"


def test_missing_and_infinite_numbers_do_not_count():
    row = dish_levels(one_dish([1.0, np.nan, np.inf, 3.0])).iloc[0]
    assert (row.n_cells, row.n_missing, row.level) == (2, 2, 2.0)


def test_a_dish_without_any_number_stays_in_the_table():
    row = dish_levels(one_dish([np.nan, np.nan])).iloc[0]
    assert row.n_cells == 0
    assert np.isnan(row.level)
    assert row.beyond == ""


def test_dishes_of_other_days_may_have_the_same_name():
    table = values([("a", "Mon", "1", [1.0]), ("a", "Tue", "1", [3.0])])
    assert len(dish_levels(table)) == 2


@pytest.mark.slow
@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order):
    table = drawn({("a", NO_DOSE): 1.0, ("b", 5.0): 2.0}, days=3, dishes=1, cells=2)
    pd.testing.assert_frame_equal(dish_levels(table.iloc[order]), dish_levels(table))


def test_categories_give_the_same_as_texts():
    table = drawn({("b", 0.0): 1.0, ("a", 3.0): 2.0}, days=2)
    coded = table.astype(dict.fromkeys(["condition", "experiment", "replicate"], "category"))
    found = dish_levels(coded)
    pd.testing.assert_frame_equal(found.astype(dish_levels(table).dtypes), dish_levels(table))


def test_absent_columns_and_texts_are_empty():
    table = pd.DataFrame(
        {"condition": ["a", None], "experiment": "d", "replicate": "1", "value": ["2", "x"]}
    )
    found = dish_levels(table)
    assert list(found.condition) == ["", "a"]
    assert found.dose.isna().all()
    assert list(found.n_cells) == [0, 1]


def test_an_empty_table_has_all_columns():
    found = dish_levels(pd.DataFrame(columns=COLUMNS))
    assert len(found) == 0
    assert {"n_cells", "median", "level", "beyond"} <= set(found)


def test_doses_of_minus_zero_and_zero_are_one():
    table = values([("a", "d", "1", [1.0, 2.0])]).assign(dose=[0.0, -0.0])
    assert len(dish_levels(table)) == 1


def test_experiments_average_their_dishes_on_the_scale():
    table = values([("a", "Mon", "1", [1.0]), ("a", "Mon", "2", [4.0]), ("a", "Tue", "1", [5.0])])
    dishes = dish_levels(table)
    assert scale_of(dishes) == "log ratio"
    found = experiment_levels(dishes, "log ratio")
    np.testing.assert_allclose(np.exp(found.level), [2.0, 5.0])
    assert list(found.n_dishes) == [2, 1]
    np.testing.assert_allclose(experiment_levels(dishes, "difference").level, [2.5, 5.0])


def test_one_level_of_zero_or_less_turns_ratios_into_differences():
    table = values([("a", "Mon", "1", [1.0]), ("b", "Mon", "1", [0.0])])
    assert scale_of(dish_levels(table)) == "difference"
