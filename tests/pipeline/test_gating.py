"""A dish in which some cells carry a reporter: the gate divides them, and nothing else changes."""

import numpy as np
import pytest
from dishes import movie_of

from zincflux import Experiment, analyze
from zincflux.errors import ExperimentError

SIDE, CELLS = 96, 25
CHANNELS = ("FluoZin-3", "mCherry")


def dish(*, reporter=400.0, bright=8):
    """25 squares; the first `bright` of them carry a reporter, and all answer alike."""
    y, x = np.divmod(np.arange(CELLS), 5)
    data = np.full((8, 2, SIDE, SIDE), 100.0, dtype=np.float32)
    rng = np.random.default_rng(3)
    for number, (row, column) in enumerate(zip(y, x, strict=True)):
        box = np.s_[:, 0, 6 + 18 * row : 18 + 18 * row, 6 + 18 * column : 18 + 18 * column]
        data[box] += 500 * np.linspace(1, 2, 8)[:, None, None]
        marker = (box[0], 1, *box[2:])
        data[marker] += (reporter if number < bright else 0) * rng.lognormal(0, 0.2)
    data += rng.normal(0, 3, data.shape).astype(np.float32)
    return movie_of(data, CHANNELS)


def settings(**gate):
    return Experiment.parse(
        {
            "movie": {"path": "dish.tif"},
            "channels": {"signal": "FluoZin-3"},
            "segment": {"diameter_um": 13},
            "phases": [{"name": "rest", "role": "baseline", "start_s": 0, "end_s": 12}],
            "gate": gate,
        },
        where="test",
    )


@pytest.mark.parametrize("gate", [{"channel": "mCherry"}, {"channel": 1, "minimum": 150.0}])
def test_cells_with_the_reporter_are_told_apart(gate):
    found = analyze(settings(**gate), movie=dish(), jobs=1)
    assert len(found.cells) == CELLS
    positive = found.cells["group"] == "positive"
    assert positive.sum() == 8
    assert (found.cells.loc[positive, "y_um"] < 40).all()
    assert found.cells.loc[positive, "reporter_signal"].min() > found.gated.minimum
    assert found.cells.loc[~positive, "reporter_signal"].abs().max() < 10
    assert found.gated.summary()["is_estimated"] == ("minimum" not in gate)


def test_cell_without_its_first_region_has_no_group():
    image = np.asarray(dish().data)
    stain = np.full((8, 1, SIDE, SIDE), 100.0, dtype=np.float32)
    for row in range(5):
        for column in range(5):
            if (row, column) != (0, 0):
                box = np.s_[:, :, 9 + 18 * row : 15 + 18 * row, 9 + 18 * column : 15 + 18 * column]
                stain[box] += 500
    movie = movie_of(np.concatenate([image, stain], axis=1), (*CHANNELS, "H2B"))
    experiment = settings(channel="mCherry", minimum=150.0)
    channels = experiment.channels.model_copy(update={"nucleus": "H2B"})
    segment = experiment.segment.model_copy(update={"regions": ("nucleus", "cell")})
    experiment = experiment.model_copy(update={"channels": channels, "segment": segment})
    found = analyze(experiment, movie=movie, jobs=1)
    cells = found.cells[found.cells["region"] == "cell"]
    assert (cells["group"] == "").sum() == 1
    assert (cells["group"] == "positive").sum() == 7
    assert found.gated.summary() | {"minimum": 0} == {
        "minimum": 0,
        "is_estimated": False,
        "n_positive": 7,
        "n_negative": 17,
        "n_unmeasured": 0,
    }


def test_gate_changes_no_number():
    gated = analyze(settings(channel="mCherry"), movie=dish(), jobs=1)
    plain = analyze(settings(), movie=dish(), jobs=1)
    np.testing.assert_array_equal(gated.traces["f_f0"], plain.traces["f_f0"])
    assert plain.gated is None
    assert (plain.cells["group"] == "").all()


def test_one_group_is_refused():
    with pytest.raises(ExperimentError, match=r"gate\.minimum: expected two groups"):
        analyze(settings(channel="mCherry"), movie=dish(reporter=0.0), jobs=1)


def test_unknown_channel():
    with pytest.raises(ExperimentError, match=r"gate\.channel"):
        analyze(settings(channel="GFP"), movie=dish(), jobs=1)


def test_no_cells_need_no_gate():
    movie = movie_of(np.full((8, 2, 32, 32), 100.0), CHANNELS)
    assert analyze(settings(channel="mCherry"), movie=movie, jobs=1).gated is None
