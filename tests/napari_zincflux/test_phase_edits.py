"""Phases stay in order and apart whatever is done to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_zincflux import phase_edits
from napari_zincflux.drawings import line_length_um, rectangle_px
from zincflux.phases import Phase, close


def test_phases_are_begun_one_after_the_other_as_an_experiment_goes():
    phases = []
    for start in (0.0, 60.0, 300.0):
        phases = phase_edits.begin_at(phases, start)
    assert [(p["name"], p["role"], p["start_s"], p.get("end_s")) for p in phases] == [
        ("rest", "baseline", 0.0, 60.0),
        ("zinc", "response", 60.0, 300.0),
        ("zinc 2", "response", 300.0, None),
    ]


def test_a_phase_begun_inside_another_ends_with_the_next():
    phases = phase_edits.begin_at([], 0.0)
    phases = phase_edits.begin_at(phases, 100.0)
    phases = phase_edits.begin_at(phases, 50.0)
    assert [(p["start_s"], p.get("end_s")) for p in phases] == [(0, 50), (50, 100), (100, None)]


def test_a_drawn_phase_cuts_what_it_lies_over():
    phases = [
        {"name": "rest", "role": "baseline", "start_s": 0.0, "end_s": 60.0},
        {"name": "mid", "role": "response", "start_s": 70.0, "end_s": 80.0},
        {"name": "late", "role": "minimum", "start_s": 90.0},
    ]
    drawn = phase_edits.draw(phases, 120.0, 40.0)
    assert [(p["name"], p["start_s"], p.get("end_s")) for p in drawn] == [
        ("rest", 0.0, 40.0),
        ("zinc", 40.0, 120.0),
        ("late", 120.0, None),
    ]


def test_a_moved_phase_keeps_its_name_and_pushes_its_neighbour():
    phases = phase_edits.draw(phase_edits.draw([], 0, 50), 50, 100)
    moved = phase_edits.move(phases, 0, 0, 70)
    assert [(p["name"], p["start_s"], p["end_s"]) for p in moved] == [
        ("rest", 0, 70),
        ("zinc", 70, 100),
    ]


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=12
    )
)
def test_whatever_is_drawn_and_begun_the_experiment_takes_it(steps):
    phases = []
    for is_drawn, start, length in steps:
        if is_drawn:
            phases = phase_edits.draw(phases, float(start), float(start + length))
        else:
            phases = phase_edits.begin_at(phases, float(start))
    close([Phase.parse(phase, where="test") for phase in phases])


def test_a_line_is_measured_in_um():
    assert line_length_um([[7, 0, 0], [7, 3, 4]], 0.5) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("corners", "region"),
    [
        ([[1.5, 2.5], [1.5, 6.5], [4.5, 6.5], [4.5, 2.5]], [2, 3, 5, 7]),
        ([[-9, -9], [-9, 99], [99, 99], [99, -9]], [0, 0, 10, 20]),
        ([[3, 3], [3, 3], [3, 3], [3, 3]], [4, 4, 5, 5]),
        ([[50, 50], [50, 60], [60, 60], [60, 50]], [9, 19, 10, 20]),
    ],
)
def test_a_rectangle_is_whole_pixels_inside_the_picture(corners, region):
    assert rectangle_px([[5, *c] for c in corners], (10, 20)) == region
