"""Figures of one movie: what is drawn is what the table says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from zincflux.phases import Phase, close
from zincflux.plot import (
    interval_figure,
    levels_figure,
    movie_heat_map_figure,
    to_svg,
    traces_figure,
)
from zincflux.plot.style import SKY, VERMILLION, Told

PHASES = close(
    (
        Phase(name="rest", role="baseline", start_s=0.0),
        Phase(name="$zinc$ <b>", role="response", start_s=50.0),
        Phase(name="TPEN", role="minimum", start_s=100.0),
    )
)
TOLD = Told(2.0, 5.0, 400.0)  # the upper end lies above the axis


def table(n_cells=5, n_frames=15, **flags):
    """Cell n has n + 1 nM at rest, ten times that with zinc, and a hundredth with TPEN."""
    time_s = np.arange(n_frames) * 10.0
    level = np.select([time_s < 50, time_s < 100], [1.0, 10.0], 0.01)
    rows = pd.DataFrame(
        {
            "cell_id": np.repeat(np.arange(1, n_cells + 1), n_frames),
            "time_s": np.tile(time_s, n_cells),
            "flag": "",
        }
    )
    rows["zinc_nM"] = rows["cell_id"] * np.tile(level, n_cells)
    rows["zinc_low_nM"], rows["zinc_high_nM"] = rows["zinc_nM"] / 1.5, rows["zinc_nM"] * 1.5
    rows["f_f0"] = rows["zinc_nM"]
    for cell, flag in flags.items():
        mine = (rows["cell_id"] == int(cell[1:])) & (rows["time_s"] >= 50)
        rows.loc[mine, ["zinc_nM", "flag"]] = [np.nan, flag]
        rows.loc[mine, "zinc_low_nM" if flag == "below_min" else "zinc_high_nM"] = np.nan
    return rows


def axes_of(figure, label="main"):
    return next(axis for axis in figure.axes if axis.get_label() == label)


def heights(band, time):
    """Give the ends of a band at a time."""
    corners = band.get_paths()[0].vertices
    here = corners[np.isclose(corners[:, 0], time), 1]
    return here.min(), here.max()


def test_interval_is_that_of_a_typical_cell():
    axis = axes_of(interval_figure(table(), PHASES, told=TOLD))
    quartiles, interval = axis.collections[:2]
    assert [one.get_label() for one in (quartiles, interval)] == [
        "middle half of the cells",
        "95 % interval of a typical cell",
    ]
    assert heights(interval, 60.0) == pytest.approx((20, 45))
    assert heights(quartiles, 60.0) == pytest.approx((20, 40))
    (median,) = (line for line in axis.lines if line.get_gid() == "median")
    assert median.get_ydata()[6] == pytest.approx(30)
    assert axis.get_yscale() == "log"
    assert [patch.get_gid() for patch in axis.patches].count("untold") == 1
    low, high = axis.get_ylim()
    assert low > 0.02  # TPEN may leave the axis
    assert high < 200


def test_cells_beyond_the_range_open_the_bands():
    rows = table(c1="below_min", c2="below_min", c3="below_min")
    axis = axes_of(interval_figure(rows, PHASES))
    quartiles, interval = axis.collections[:2]
    bottom = axis.get_ylim()[0]
    assert heights(interval, 60.0)[0] == pytest.approx(bottom)
    assert heights(quartiles, 60.0)[0] == pytest.approx(bottom)
    (median,) = (line for line in axis.lines if line.get_gid() == "median")
    assert np.isnan(median.get_ydata()[6])


@pytest.mark.parametrize("draw", [interval_figure, movie_heat_map_figure])
@pytest.mark.parametrize("rows", [table().assign(zinc_nM=np.nan), table()[:0]])
def test_nothing_to_draw(draw, rows):
    axis = axes_of(draw(rows, PHASES))
    assert axis.texts[0].get_text() == "No numbers to draw"


def test_levels_without_numbers():
    axis = axes_of(levels_figure(table().assign(zinc_nM=np.nan), PHASES))
    assert axis.texts[0].get_text() == "No numbers to draw"


def test_heat_map_is_sorted_by_the_response():
    axis = axes_of(movie_heat_map_figure(table(), PHASES))
    (picture,) = axis.images
    pixels = picture.get_array()
    assert pixels.shape[:2] == (5, 15)
    during = pixels[:, 7, :3].sum(axis=1)  # cividis grows lighter
    assert (np.diff(during) < 0).all()


def test_heat_map_tells_what_lies_beyond():
    rows = table(c2="below_min", c4="above_max", c3="lost")
    figure = movie_heat_map_figure(rows, PHASES)
    pixels = axes_of(figure).images[0].get_array()
    assert np.allclose(pixels[0, 7], to_rgba(VERMILLION))  # the highest of all
    assert np.allclose(pixels[3, 7], to_rgba(SKY))
    assert np.allclose(pixels[4, 7], to_rgba("#D9D9D9"))  # without any number
    names = [text.get_text() for text in axes_of(figure).get_legend().get_texts()]
    assert names == ["above the range", "below the range", "no number"]


def test_heat_map_of_uneven_times():
    rows = table(n_frames=3)
    rows["time_s"] = rows["time_s"].map({0.0: 0.0, 10.0: 90.0, 20.0: 100.0})
    rows["f_f0"] = rows["time_s"].map({0.0: 0.0, 90.0: 1.0, 100.0: 2.0})
    pixels = axes_of(movie_heat_map_figure(rows, (), "f_f0")).images[0].get_array()
    # 50 s is nearer to 90 than to 0.
    assert np.allclose(pixels[0, 0], to_rgba("#00224e"), atol=0.01)
    assert not np.allclose(pixels[0, 1], pixels[0, 0], atol=0.1)


@pytest.mark.parametrize(("ratio", "label"), [(np.nan, "Signal (counts)"), (2.0, "Signal")])
def test_the_unit_of_the_signal_is_told(ratio, label):
    rows = table().assign(signal=100.0, ratio=ratio)
    assert axes_of(traces_figure(rows, (), "signal")).get_ylabel() == label


def test_heat_map_counts_whole_cells():
    axis = axes_of(movie_heat_map_figure(table(n_cells=2), PHASES))
    assert all(tick == round(tick) for tick in axis.get_yticks())


def test_noise_does_not_fill_the_colours_of_a_heat_map():
    rows = table(n_cells=2).assign(f_f0=lambda rows: 1 + 1e-3 * rows["cell_id"])
    axis = axes_of(movie_heat_map_figure(rows, (), "f_f0"), "bar")
    assert np.ptp(axis.get_ylim()) >= 0.1


def test_heat_map_of_one_frame():
    assert axes_of(movie_heat_map_figure(table(n_frames=1), (), "f_f0")).images


def test_levels_are_medians_of_cells():
    axis = axes_of(levels_figure(table(), PHASES))
    points = [c.get_offsets() for c in axis.collections if c.get_gid() == "cells"]
    assert [sorted(np.round(one[:, 1], 6)) for one in points] == [
        [1, 2, 3, 4, 5],
        [10, 20, 30, 40, 50],
        [0.01, 0.02, 0.03, 0.04, 0.05],
    ]
    words = [text.get_text() for text in axis.texts]
    assert words[:2] == ["3", "30"]
    assert [t.get_text().split("\n")[1] for t in axis.get_xticklabels()] == ["n = 5"] * 3
    assert "$zinc$ &lt;b&gt;" in to_svg(axis.figure).decode()


def test_levels_count_what_lies_beyond():
    rows = table(c1="below_min", c2="above_max", c3="below_min", c4="below_min")
    axis = axes_of(levels_figure(rows, PHASES))
    words = [text.get_text() for text in axis.texts]
    assert words.count("3 below range") == 2
    assert words.count("1 above range") == 2
    points = [c.get_offsets() for c in axis.collections if c.get_gid() == "cells"]
    assert [len(one) for one in points] == [5, 1, 1]


def test_levels_are_grey_where_zinc_is_not_told():
    axis = axes_of(levels_figure(table(), PHASES, told=Told(2.0, 0.5, 20.0)))
    grey = [patch.get_extents() for patch in axis.patches if patch.get_gid() == "untold"]
    ends = [axis.transData.inverted().transform(box)[:, 1] for box in grey]
    assert [ends[0][1], ends[1][0]] == pytest.approx([0.5, 20.0])
    axis = axes_of(levels_figure(table(), PHASES, "f_f0", told=Told(2.0, 0.5, 20.0)))
    assert not [patch for patch in axis.patches if patch.get_gid() == "untold"]


def test_the_median_stands_in_the_picture_where_the_upper_quartile_does_not():
    rows = table(c4="above_max", c5="above_max")
    text = axes_of(levels_figure(rows, PHASES)).texts[1]
    assert (text.get_text(), text.get_verticalalignment()) == ("30", "top")


def test_levels_of_f_f0_are_linear():
    axis = axes_of(levels_figure(table(n_cells=1), PHASES[:1], "f_f0"))
    assert axis.get_yscale() == "linear"


def test_phase_without_frames_has_no_points():
    phases = (*PHASES[:2], Phase(name="late", role="maximum", start_s=9e3))
    axis = axes_of(levels_figure(table(), phases))
    assert axis.get_xticklabels()[2].get_text() == "late\nn = 0"


@pytest.mark.slow
@pytest.mark.parametrize("draw", [interval_figure, movie_heat_map_figure, levels_figure])
def test_the_same_bytes(draw):
    first, second = (to_svg(draw(table(), PHASES)) for _ in range(2))
    assert first == second
