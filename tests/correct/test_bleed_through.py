import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.correct.bleed_through import BleedThrough, correct_bleed_through
from zincflux.errors import ExperimentError

FRACTION = st.floats(0, 2)
COUNTS = st.lists(st.floats(-100, 1e5), min_size=3, max_size=3)


@given(FRACTION, FRACTION, COUNTS, COUNTS, COUNTS)
def test_correcting_undoes_bleed_through(a, b, fret, donor, acceptor):
    fret, donor, acceptor = (np.array(x) for x in (fret, donor, acceptor))
    settings = BleedThrough(donor=a, acceptor=b)
    found = correct_bleed_through(fret + a * donor + b * acceptor, donor, acceptor, settings)
    np.testing.assert_allclose(found, fret, atol=1e-6)


def test_the_worked_ratios_keep_their_zinc():
    """Donor bleed-through lowers R, Rmin and Rmax by a: (R - Rmin) / (Rmax - R) stays."""
    a, ratios = 0.35, np.array([4.5, 4.13, 6.4015])
    r, low, high = correct_bleed_through(ratios, np.ones(3), None, BleedThrough(donor=a))
    assert (r - low) / (high - r) == pytest.approx((4.5 - 4.13) / (6.4015 - 4.5))
    assert round(6.4015 / 4.13, 2) == 1.55
    assert round(high / low, 2) == 1.60


def test_nothing_to_correct_changes_nothing_and_nan_stays():
    fret = np.array([[1.0, np.nan]])
    np.testing.assert_array_equal(correct_bleed_through(fret, fret, None, BleedThrough()), fret)


def test_a_missing_acceptor_is_an_error():
    with pytest.raises(ExperimentError, match=r"bleed_through\.acceptor is 0\.1, but no acceptor"):
        correct_bleed_through([1.0], [1.0], None, BleedThrough(acceptor=0.1))


def test_bounds():
    with pytest.raises(ExperimentError, match=r"donor: .*greater than or equal to 0"):
        BleedThrough.parse({"donor": -0.1}, where="test")
