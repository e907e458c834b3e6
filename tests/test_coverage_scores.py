"""The benchmarks' own counting: which intervals are right, and how certain a share of them is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

NAN = float("nan")


def _load() -> ModuleType:
    # The benchmarks are scripts: their folder is no package, and its names are not for import.
    file = Path(__file__).parent / "benchmarks" / "scores.py"
    spec = importlib.util.spec_from_file_location("benchmark_scores", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scores = _load()


@pytest.mark.parametrize(
    ("low", "high", "stated", "right"),
    [
        (1.0, 3.0, True, True),
        (2.0, 3.0, True, True),
        (2.5, 3.0, True, False),
        (1.0, 1.5, True, False),
        (NAN, 3.0, True, True),
        (NAN, 1.5, True, False),
        (1.0, NAN, True, True),
        (2.5, NAN, True, False),
        (1.0, np.inf, True, True),
        (NAN, NAN, False, False),
    ],
)
def test_an_interval_or_bound_is_right_when_the_truth_is_not_beyond_it(low, high, stated, right):
    assert [bool(found) for found in scores.holds(2.0, low, high)] == [stated, right]


def test_the_truth_of_a_normal_error_lies_in_its_interval_in_95_of_100():
    rng = np.random.default_rng(0)
    error = rng.normal(size=20_000)
    stated, right = scores.holds(0.0, error - 1.959964, error + 1.959964)
    assert stated.all()
    assert right.mean() == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 20_000) ** 0.5)


def test_the_error_of_a_share_of_independent_cases_is_binomial():
    rng = np.random.default_rng(1)
    right = rng.random(40_000) < 0.95
    found = scores.error_of_share(right, np.arange(40_000) // 40)
    assert found == pytest.approx((0.95 * 0.05 / 40_000) ** 0.5, rel=0.1)


def test_cases_that_are_right_or_wrong_together_count_as_one():
    rng = np.random.default_rng(2)
    right = np.repeat(rng.random(1000) < 0.9, 40)
    found = scores.error_of_share(right, np.repeat(np.arange(1000), 40))
    assert found == pytest.approx((0.9 * 0.1 / 1000) ** 0.5, rel=0.1)


def test_the_error_of_a_share_is_unknown_from_one_group():
    assert np.isnan(scores.error_of_share([True, False], [7, 7]))


def test_a_score_counts_bounds_in_the_coverage_but_not_in_width_or_bias():
    rows = pd.DataFrame(
        {
            "zinc_nM": [10.0, 20.0, NAN, NAN, NAN],
            "zinc_low_nM": [5.0, 18.0, NAN, 12.0, NAN],
            "zinc_high_nM": [20.0, 32.0, 11.0, NAN, NAN],
            "zinc_nM_true": 10.0,
            "movie": [1, 1, 2, 2, 2],
        }
    )
    found = scores.score(rows)
    assert (found.cells, found.movies) == (5, 2)
    # Right are the first interval and the upper bound; nothing is said of the last cell.
    assert found.covered == pytest.approx(2 / 4)
    assert found.width == pytest.approx(np.median([2.0, (32 / 18) ** 0.5]))
    assert found.one_sided == pytest.approx(2 / 5)
    assert found.number == pytest.approx(2 / 5)
    assert found.bias == pytest.approx(np.log(2) / 2)
    assert found.rms == pytest.approx(np.log(2) / 2**0.5)


def test_a_table_is_put_between_its_marks_and_nothing_else_is_touched(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    scores.insert(page, "<!-- a -->", "new")
    expected = "before\n<!-- a -->\n\nnew\n\n<!-- end -->\nafter\n"
    assert page.read_text(encoding="utf-8") == expected
    scores.insert(page, "<!-- a -->", "new")
    assert page.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("text", ["no mark\n<!-- end -->\n", "<!-- a -->\nno end\n"])
def test_a_page_without_both_marks_is_refused(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"expected the line '<!-- a -->', and '<!-- end -->'"):
        scores.insert(page, "<!-- a -->", "new")
    assert page.read_text(encoding="utf-8") == text
