import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.errors import ExperimentError
from zincflux.phases import Phase, check_inside, close, frames_of, names_of_frames, with_role

REST = Phase(name="rest", role="baseline", start_s=0)
ZINC = Phase(name="zinc", role="response", start_s=20, end_s=40)
TPEN = Phase(name="TPEN", role="minimum", start_s=40)
TIME = np.arange(0.0, 60.0, 5.0)


def test_open_phases_end_where_the_next_starts() -> None:
    closed = close([ZINC, TPEN, REST])
    assert [phase.name for phase in closed] == ["rest", "zinc", "TPEN"]
    assert [phase.end_s for phase in closed] == [20, 40, None]


def test_each_frame_has_its_phase_start_in_end_out() -> None:
    names = names_of_frames(close([REST, ZINC]), TIME)
    assert names == ["rest"] * 4 + ["zinc"] * 4 + [""] * 4


def test_with_role() -> None:
    assert with_role([REST, ZINC, TPEN], "minimum") == (TPEN,)


def test_overlap_is_refused() -> None:
    with pytest.raises(ExperimentError, match="must not overlap"):
        close([REST.model_copy(update={"end_s": 25.0}), ZINC])


def test_same_name_is_refused() -> None:
    with pytest.raises(ExperimentError, match="two phases are named 'rest'"):
        close([REST, REST.model_copy(update={"start_s": 5.0})])


def test_end_before_start_is_refused() -> None:
    with pytest.raises(ExperimentError, match="Expected an end after the start"):
        close([Phase(name="a", role="ignore", start_s=10, end_s=5)])


def test_outside_the_movie_is_refused() -> None:
    late = Phase(name="late", role="response", start_s=100, end_s=120)
    with pytest.raises(ExperimentError, match=r"'late' runs from 100 s to 120 s, but no frame"):
        check_inside([late], TIME)
    with pytest.raises(ExperimentError, match="to its end"):
        check_inside([Phase(name="late", role="response", start_s=100)], TIME)
    check_inside(close([REST, ZINC, TPEN]), TIME)


def test_a_name_cannot_start_a_formula() -> None:
    assert Phase(name="=1+1", role="ignore", start_s=0).name == "1+1"


@given(st.lists(st.floats(0, 50), min_size=1, max_size=5, unique=True))
def test_closed_phases_cover_each_frame_once(starts: list[float]) -> None:
    phases = close(
        [Phase(name=f"p{i}", role="ignore", start_s=start) for i, start in enumerate(starts)]
    )
    covered = sum(frames_of(phase, TIME).astype(int) for phase in phases)
    assert np.array_equal(covered, (min(starts) <= TIME).astype(int))
