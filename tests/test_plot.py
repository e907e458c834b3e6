"""Figures: what they show, in which unit, and that the same data give the same bytes."""

import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study_tables import CHANNELS, PHASES, Binding, make_field, make_tables
from zincflux.columns import CELLS, FRAMES, TRACES, conform
from zincflux.phases import Phase, close
from zincflux.plot import (
    Told,
    calibration_figure,
    frames_figure,
    overlay_figure,
    to_png,
    to_svg,
    traces_figure,
)
from zincflux.plot.overlay import round_length
from zincflux.plot.style import _tick, digits, time_unit, zinc_unit


@pytest.fixture(scope="module")
def tables():
    return make_tables(20)


def axes_of(figure):
    return {axis.get_label(): axis for axis in figure.axes}


def words(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def line(axis, gid):
    return next(item for item in axis.lines if item.get_gid() == gid)


def test_traces_show_every_cell_and_their_median(tables):
    main = axes_of(traces_figure(tables["traces"], PHASES))["main"]
    assert main.get_ylabel() == "Free zinc (nM)"
    assert main.get_yscale() == "log"
    assert len(main.lines) == 20 + 1
    wide = tables["traces"].pivot(index="time_s", columns="cell_id", values="zinc_nM")
    early = wide.iloc[:50]
    np.testing.assert_allclose(line(main, "median").get_ydata()[:50], early.median(axis=1))


def test_median_ranks_cells_beyond_the_range_and_stops_beyond_it():
    nan = np.nan
    rows = pd.DataFrame(
        {
            "cell_id": [1, 2, 3] * 3,
            "time_s": np.repeat([0.0, 1, 2], 3),
            "zinc_nM": [1, 2, 3, nan, nan, 3, nan, 2, 3],
            "flag": ["", "", "", "below_min", "below_min", "", "above_max", "", ""],
        }
    )
    main = axes_of(traces_figure(conform(rows, TRACES, [])))["main"]
    np.testing.assert_equal(line(main, "median").get_ydata(), [2, nan, 3])


def test_strip_holds_the_share_beyond_the_range(tables):
    strip = axes_of(traces_figure(tables["traces"], PHASES))["strip"]
    below = strip.collections[0].get_paths()[0].vertices
    expected = (
        100 * (tables["traces"]["flag"] == "below_min").groupby(tables["traces"]["time_s"]).mean()
    )
    assert below[:, 1].max() == pytest.approx(expected.max())
    assert "Beyond" in strip.get_ylabel()


def test_axis_is_fitted_to_baseline_and_response(tables):
    _, high = axes_of(traces_figure(tables["traces"], PHASES))["main"].get_ylim()
    _, higher = axes_of(traces_figure(tables["traces"]))["main"].get_ylim()
    assert 20 < high < 200 < higher


def test_picomolar_zinc_is_drawn_in_pm():
    main = axes_of(traces_figure(make_tables(5, scale=0.005)["traces"], PHASES))["main"]
    assert main.get_ylabel() == "Free zinc (pM)"
    assert 2 < np.nanmedian(line(main, "median").get_ydata()) < 200


@pytest.mark.parametrize(
    ("column", "label"),
    [("f_f0", "F/F0"), ("FluoZin-3_raw", "FluoZin-3_raw (counts)"), ("area_um2", "area_um2 (µm²)")],
)
def test_other_columns_have_a_plain_axis(tables, column, label):
    traces = tables["traces"].assign(**{column: tables["traces"]["f_f0"]})
    axes = axes_of(traces_figure(traces, PHASES, column))
    assert axes["main"].get_ylabel() == label
    assert axes["main"].get_yscale() == "linear"
    assert "strip" not in axes


def test_at_most_so_many_cells_are_drawn_and_it_is_said(tables):
    figure = traces_figure(tables["traces"], PHASES, "f_f0", max_cells=8)
    assert len(axes_of(figure)["main"].lines) == 8 + 1
    assert "8 of 20 cells" in words(figure)


def test_one_cell_constant_and_without_phases(tables):
    one = tables["traces"].query("cell_id == 1").assign(f_f0=1.0)
    assert "1 cell" in words(traces_figure(one, (), "f_f0"))


@pytest.mark.parametrize("column", ["zinc_nM", "f_f0"])
def test_nothing_to_draw_is_said(tables, column):
    nothing = conform(pd.DataFrame(), TRACES, CHANNELS)
    assert "No numbers to draw" in words(traces_figure(nothing, PHASES, column))
    blank = tables["traces"].assign(**{column: np.nan})
    assert "No numbers to draw" in words(traces_figure(blank, PHASES, column))


def test_single_frame(tables):
    first = tables["traces"].query("frame == 0")
    assert to_png(traces_figure(first, PHASES), dpi=40).startswith(b"\x89PNG")


def test_long_movie_is_shown_in_hours(tables):
    slow = tables["traces"].assign(time_s=tables["traces"]["time_s"] * 100)
    assert any(word.startswith("Time (h)") for word in words(traces_figure(slow, (), "f_f0")))


def test_phase_names_that_do_not_fit_become_numbers_with_a_key(tables):
    phases = close(
        [
            Phase(name="rest", role="baseline", start_s=0, end_s=60),
            Phase(name="a very long name of what was added", role="response", start_s=60, end_s=80),
            Phase(name="what came afterwards", role="ignore", start_s=80),
            Phase(name="never recorded", role="response", start_s=9000),
        ]
    )
    shown = words(traces_figure(tables["traces"], phases, "f_f0"))
    assert {"rest", "2", "what came afterwards"} <= set(shown)
    assert "never recorded" not in shown
    assert any("2: a very long name of what was added" in word for word in shown)


def test_names_are_not_mathematics(tables):
    phases = close([Phase(name="$x_{$", role="response", start_s=0)])
    assert to_png(traces_figure(tables["traces"], phases, "f_f0"), dpi=40)


def test_overlay_numbers_cells_and_marks_excluded_ones():
    image, labels = make_field(9, size=120)
    figure = overlay_figure(image, labels, 0.5, excluded=[4])
    shown = words(figure)
    assert {"1", "(4)", "9"} <= set(shown)
    assert "10 µm" in shown
    outline = figure.axes[0].images[1].get_array()
    assert len(np.unique(outline.reshape(-1, 4), axis=0)) == 3  # clear, used, excluded


def test_overlay_outlines_lie_inside_their_cells():
    labels = np.zeros((12, 14), dtype=np.int32)
    labels[2:7, 3:8] = 5
    outline = overlay_figure(labels, labels, 1.0).axes[0].images[1].get_array()[..., 3]
    expected = np.zeros((12, 14))
    expected[2:7, 3:8] = 255
    expected[3:6, 4:7] = 0
    np.testing.assert_array_equal(outline, expected)


def test_overlay_of_a_large_field_has_thick_outlines_and_no_numbers():
    labels = np.zeros((1600, 1600), dtype=np.int32)
    squares = labels.reshape(16, 100, 16, 100)
    squares[:, 10:60, :, 10:60] = np.arange(1, 257).reshape(16, 1, 16, 1)
    figure = overlay_figure(np.zeros(labels.shape), labels, 0.3)
    assert words(figure) == ["100 µm"]
    outline = figure.axes[0].images[1].get_array()[..., 3]
    assert outline[10:12, 30].all()
    assert not outline[12:58, 12:58].any()


def test_overlay_of_nothing():
    figure = overlay_figure(np.full((30, 40), np.nan), np.zeros((30, 40), dtype=np.int32), 0.1)
    assert words(figure) == ["1 µm"]


@given(st.floats(0.01, 1e5))
def test_scale_bar_is_round_and_fits(longest):
    length = round_length(longest)
    assert length <= longest < 2.51 * length
    assert f"{length:.0e}"[0] in "125"


def test_binding_curve_is_half_at_k(tables):
    axes = axes_of(calibration_figure(tables["cells"], Binding()))
    zinc, saturation = axes["binding"].lines[0].get_data()
    assert np.interp(15.0, zinc, saturation) == pytest.approx(50, abs=0.1)
    assert "10–90 % saturation: 1.67 to 135 nM" in axes["binding"].get_title(loc="left")
    assert len(line(axes["binding"], "resting").get_xdata()) == 20
    assert axes["binding"].get_xlabel() == "Free zinc (nM)"


@pytest.mark.parametrize(
    ("changes", "half_nM"),
    [({"beta": 4.0}, 60.0), ({"beta": 4.0, "k_includes_beta": True}, 15.0), ({"hill": 0.3}, 15.0)],
)
def test_binding_curve_applies_beta_once(tables, changes, half_nM):
    curve = axes_of(calibration_figure(tables["cells"], replace(Binding(), **changes)))["binding"]
    zinc, saturation = curve.lines[0].get_data()
    assert np.interp(np.log(half_nM), np.log(zinc), saturation) == pytest.approx(50, abs=0.1)


def test_dynamic_range_counts_used_and_excluded(tables):
    figure = calibration_figure(tables["cells"], Binding())
    assert {"18 used", "2 excluded"} <= set(words(figure))
    all_out = tables["cells"].assign(excluded=True)
    assert "No cell is used" in words(calibration_figure(all_out, Binding()))


def test_calibration_without_cells():
    cells = conform(pd.DataFrame(), CELLS, CHANNELS)
    assert "not measured" in words(calibration_figure(cells, Binding()))


def test_frames_have_a_panel_for_each_correction(tables):
    figure = frames_figure(tables["frames"], CHANNELS, PHASES)
    labels = [axis.get_ylabel().replace("\n", " ") for axis in figure.axes[1:]]
    assert labels == [
        "Background (counts)",
        "Brightness left (%)",
        "Drift (µm)",
        "Sharpness (median = 1)",
    ]
    assert "defocused" in words(figure)


def test_corrections_that_did_nothing_have_no_panel(tables):
    frames = conform(tables["frames"][["frame", "time_s"]], FRAMES, CHANNELS)
    frames = frames.assign(n_cells=3, **{f"{c}_bleach_factor": 1.0 for c in CHANNELS})
    assert [a.get_ylabel() for a in frames_figure(frames, CHANNELS).axes[1:]] == ["Cells\nmeasured"]
    dying = tables["frames"].assign(n_cells=np.arange(len(tables["frames"])), defocused=False)
    assert len(frames_figure(dying, ["unknown"]).axes) == 1 + 3


def test_frames_of_an_empty_table():
    frames = conform(pd.DataFrame(), FRAMES, CHANNELS)
    assert to_png(frames_figure(frames, CHANNELS, PHASES), dpi=40)


def test_same_data_give_the_same_bytes_whatever_the_users_style(tables):
    traces = tables["traces"].query("cell_id < 4")
    png, svg = (render(traces_figure(traces, PHASES, "f_f0")) for render in (to_png, to_svg))
    with mpl.rc_context({"font.size": 22, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        figure = traces_figure(traces, PHASES, "f_f0")
        assert to_svg(figure) == svg
        assert mpl.rcParams["font.size"] == 22
    assert to_png(traces_figure(traces, PHASES, "f_f0")) == png
    assert b"Zn + pyrithione" in svg
    assert b"<dc:date>" not in svg
    assert b"Software" not in png


def test_plotting_opens_no_window(tables):
    traces_figure(tables["traces"], PHASES, "f_f0")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_units():
    assert zinc_unit([5000.0, 9000.0]) == (0.001, "µM")
    assert zinc_unit([np.nan, -1.0]) == (1.0, "nM")
    assert time_unit(100) == (1.0, "s")
    assert digits(0) == "0"
    assert digits(float("nan")) == "nan"
    assert digits(1234) == "1230"
    assert digits(100) == "100"
    assert _tick(1e6, 0) == "1e6"
    assert _tick(2e-4, 0) == "2e-4"
    assert _tick(0.5, 0) == "0.5"


def test_zinc_that_is_told_well_is_marked(tables):
    told = Told(2.0, 0.5, 150.0)
    curve = axes_of(calibration_figure(tables["cells"], Binding(), told=told))["binding"]
    (shade,) = [patch for patch in curve.patches if patch.get_gid() == "told"]
    box = shade.get_window_extent()
    left, right = curve.transData.transform([(0.5, 0), (150, 0)])[:, 0]
    assert (box.x0, box.x1) == pytest.approx((left, right))
    assert curve.get_title(loc="left") == "Told within × 2: 0.5 to 150 nM"


@pytest.mark.parametrize(
    ("column", "told", "n_grey"),
    [
        ("zinc_nM", Told(2.0, 2.0, 5.0), 2),
        ("zinc_nM", Told(2.0, 1e-9, 1e9), 0),
        ("f_f0", Told(2.0, 2.0, 5.0), 0),
    ],
)
def test_zinc_that_is_not_told_well_is_grey(tables, column, told, n_grey):
    main = axes_of(traces_figure(tables["traces"], PHASES, column, told=told))["main"]
    assert sum(patch.get_gid() == "untold" for patch in main.patches) == n_grey


def test_a_dynamic_range_that_all_cells_share_is_one_bar(tables):
    cells = tables["cells"].assign(dynamic_range=20 + 1e-15 * np.arange(len(tables["cells"])))
    ranges = axes_of(calibration_figure(cells, Binding()))["dynamic_range"]
    heights = [bar.get_height() for bar in ranges.patches]
    assert np.count_nonzero(heights) == 2  # used and excluded, one on the other
    assert sum(heights) == len(cells)
