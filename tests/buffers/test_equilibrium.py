"""Equilibrium: mass balance from fM to M, closed form, invariances."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zincflux.buffers import equilibrium, free_chelators, free_metals
from zincflux.errors import CalibrationError

EXPONENT = st.floats(-15, 0)
AMOUNT = st.one_of(st.just(0.0), EXPONENT.map(lambda power: 10**power))


@st.composite
def mixtures(draw):
    n_metals, n_chelators = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    metals = draw(st.lists(AMOUNT, min_size=n_metals, max_size=n_metals))
    chelators = draw(st.lists(AMOUNT, min_size=n_chelators, max_size=n_chelators))
    size = n_metals * n_chelators
    powers = draw(st.lists(st.floats(-18, 0), min_size=size, max_size=size))
    return np.array(metals), np.array(chelators), 10 ** np.reshape(powers, (n_metals, n_chelators))


def balance(metals, chelators, dissociation):
    free = free_metals(metals, chelators, dissociation)
    left = free_chelators(free, chelators, dissociation)
    bound = free[:, None] * left / dissociation
    return free, left, bound


@settings(max_examples=150, deadline=None)
@given(mixtures())
@example((np.ones(2), np.array([2.0]), np.array([[1e-16], [1e-8]])))
@example((np.full(3, 0.5), np.array([1.0, 0.5]), np.full((3, 2), 1e-18)))
@example((np.array([1e-15, 1.0]), np.array([1.0, 1e-15]), np.full((2, 2), 1e-17)))
def test_mass_of_every_metal_and_chelator_is_kept(mixture):
    metals, chelators, _ = mixture
    free, left, bound = balance(*mixture)
    assert np.all(free >= 0)
    np.testing.assert_allclose(free + bound.sum(axis=1), metals, rtol=1e-10, atol=0)
    np.testing.assert_allclose(left + bound.sum(axis=0), chelators, rtol=1e-10, atol=0)


@settings(max_examples=100, deadline=None)
@given(EXPONENT, EXPONENT, st.floats(-18, 0))
def test_one_metal_one_chelator_is_the_root_of_the_quadratic(metal, chelator, kd):
    total, ligand, k = 10**metal, 10**chelator, 10**kd
    b = ligand - total + k
    root = np.sqrt(b * b + 4 * k * total)
    exact = 2 * k * total / (b + root) if b > 0 else (root - b) / 2
    found = free_metals([total], [ligand], [[k]])[0]
    # Near equivalence the totals' own rounding moves the answer by this much.
    slope = exact * (1 + ligand * k / (exact + k) ** 2)
    assert found == pytest.approx(exact, rel=1e-10 + 1e-14 * (total + ligand) / slope)


@settings(max_examples=60, deadline=None)
@given(mixtures(), st.randoms(use_true_random=False))
def test_order_does_not_matter(mixture, random):
    metals, chelators, dissociation = mixture
    rows, columns = list(range(len(metals))), list(range(len(chelators)))
    random.shuffle(rows)
    random.shuffle(columns)
    _, _, bound = balance(metals, chelators, dissociation)
    _, _, moved = balance(metals[rows], chelators[columns], dissociation[np.ix_(rows, columns)])
    scale = np.minimum(metals[:, None], chelators)
    assert np.all(
        np.abs(moved - bound[np.ix_(rows, columns)]) <= 1e-6 * scale[np.ix_(rows, columns)]
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(EXPONENT, min_size=2, max_size=8), EXPONENT, st.floats(-16, -3))
def test_more_metal_leaves_more_free(totals, chelator, kd):
    free = [free_metals([10**one], [10**chelator], [[10**kd]])[0] for one in sorted(totals)]
    assert np.all(np.diff(free) >= -1e-9 * np.array(free[1:]))


def test_nothing_in_nothing_out():
    free = free_metals([0.0, 1e-3], [0.0], [[1e-9], [1e-9]])
    np.testing.assert_allclose(free, [0.0, 1e-3], rtol=1e-14, atol=0)
    np.testing.assert_array_equal(free_metals([0.0], [1e-3], [[1e-9]]), [0.0])


def test_a_balance_that_is_not_reached(monkeypatch):
    monkeypatch.setattr(equilibrium, "_ROUNDS", 1)
    with pytest.raises(CalibrationError, match="balance of mass to hold to 1e-10"):
        free_metals([1e-3], [1e-3], [[1e-9]])
