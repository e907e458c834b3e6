"""Figures of a study: what is drawn is what the tables say."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study_example import example_study, hostile_study
from zincflux.plot import (
    courses_figure,
    dose_response_figure,
    heat_map_figure,
    superplot_figure,
    to_pdf,
    to_png,
    to_svg,
)
from zincflux.plot.arms import arms_of, experiment_looks, shown
from zincflux.plot.thumbnail import MAX_BYTES, thumbnail
from zincflux.results.study_figures import study_figures
from zincflux.statistics import StudySettings

RATE = "rate_nM_per_s"


@pytest.fixture(scope="module")
def study():
    return example_study(doses=(0.0, 30.0, 90.0), n_experiments=3, n_dishes=1, n_cells=6)


def of(table, metric=RATE):
    return table[table.metric == metric]


def superplot(study, values=None):
    if values is None:
        values = study.responses.rename(columns={RATE: "value"})
    return superplot_figure(values, of(study.dishes), of(study.conditions), RATE, "nM/s")


@pytest.mark.slow
def test_every_figure_is_named_and_drawn(study):
    names = [name for name, _ in study_figures(study)]
    assert names[:2] == [f"superplot_{RATE}", f"dose_response_{RATE}"]
    assert names[-3:] == ["courses_zinc_nM", "courses_f_f0", "heat_map_zinc_nM"]
    assert len(set(names)) == len(names)
    for _, draw in study_figures(study):
        assert to_png(draw(), dpi=40).startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("to_bytes", [to_svg, to_pdf, to_png])
def test_the_same_tables_give_the_same_bytes(study, to_bytes):
    assert to_bytes(superplot(study)) == to_bytes(superplot(study))


def test_the_superplot_shows_each_dish_at_its_level(study):
    axis = superplot(study).axes[0]
    dishes = [line for line in axis.lines if line.get_gid() == "dish"]
    drawn = sorted(float(line.get_ydata()[0]) for line in dishes)
    assert drawn == pytest.approx(sorted(of(study.dishes).level))


def test_the_superplot_shows_every_cell_and_its_axis_says_the_unit(study):
    axis = superplot(study).axes[0]
    cells = [c for c in axis.collections if c.get_gid() == "cells"]
    drawn = np.concatenate([c.get_offsets()[:, 1] for c in cells])
    assert sorted(drawn) == pytest.approx(sorted(study.responses[RATE]))
    assert axis.get_ylabel() == "Initial rate of free zinc (nM/s)"
    assert axis.get_xlabel() == "Dose (µM)"


def test_days_look_alike_in_every_arm(study):
    axis = superplot(study).axes[0]
    looks = {(line.get_color(), line.get_marker()) for line in axis.lines if line.get_gid()}
    assert len(looks) == 3


def test_cells_beyond_the_axis_are_counted(study):
    values = study.responses.rename(columns={RATE: "value"})
    values.loc[0, "value"] = 1e3
    legend = superplot(study, values).axes[0].get_legend()
    assert any("1 cells lie" in text.get_text() for text in legend.get_texts())


def test_many_arms_experiments_and_cells_fit():
    study = example_study(
        conditions=tuple(f"condition {n}" for n in range(9)),
        doses=(),
        n_experiments=14,
        n_dishes=1,
        n_cells=3,
    )
    texts = [text.get_text() for text in superplot(study).axes[0].get_legend().get_texts()]
    assert "and 2 more" in texts


def test_an_arm_without_numbers_is_empty(study):
    values = study.responses.rename(columns={RATE: "value"}).assign(value=np.nan)
    blank = dict.fromkeys(("mean_of_dishes", "sem_of_dishes", "fold_change"), np.nan)
    empty = replace(
        study,
        dishes=study.dishes.assign(level=np.nan),
        conditions=study.conditions.assign(**blank),
    )
    figure = superplot(empty, values)
    assert not [line for line in figure.axes[0].lines if line.get_gid() == "dish"]
    to_png(figure, dpi=40)


def test_rates_below_zero_show_the_zero_line(study):
    values = study.responses.rename(columns={RATE: "value"})
    values["value"] -= 0.1
    axis = superplot(study, values).axes[0]
    assert axis.get_ylim()[0] < 0


def test_figures_of_corrected_rates_show_corrected_cells(study):
    settings = StudySettings(subtract_control="ZnCl2")
    corrected = dict(study_figures(replace(study, settings=settings)))[f"superplot_{RATE}"]()
    cells = [c for c in corrected.axes[0].collections if c.get_gid() == "cells"]
    drawn = np.concatenate([c.get_offsets()[:, 1] for c in cells])
    assert drawn.mean() < study.responses[RATE].mean()


def dose_response(study, **changes):
    curves = of(study.dose_response).assign(**changes)
    return dose_response_figure(of(study.dishes), curves, RATE, "nM/s")


def test_the_dose_response_has_one_point_per_experiment(study):
    axis = dose_response(study).axes[0]
    points = [line for line in axis.lines if line.get_gid() == "experiments"]
    assert sum(len(line.get_ydata()) for line in points) == 3 * 3 * 2
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts[0] == "ZnCl2\nEC50 65 µM\n(41 to 103)"


def test_the_curve_passes_half_way_at_ec50(study):
    figure = dose_response(study)
    fit = of(study.dose_response).iloc[0]
    curve = max(figure.axes[0].lines, key=lambda line: len(line.get_xdata()))
    level = np.interp(65.0, curve.get_xdata(), curve.get_ydata())
    assert level == pytest.approx((fit.bottom + fit.top) / 2, rel=1e-3)


def test_an_ec50_that_the_data_do_not_tell_is_not_drawn_as_told(study):
    wild = dose_response(study, ec50_low=1e-9, ec50_high=1e12)
    assert "(interval beyond all doses)" in wild.axes[0].get_legend().get_texts()[0].get_text()
    none = dose_response(study, ec50=np.nan)
    assert "no EC50 is told" in none.axes[0].get_legend().get_texts()[0].get_text()
    one_sided = dose_response(study, ec50_low=np.nan, ec50_high=np.nan)
    assert "(no interval)" in one_sided.axes[0].get_legend().get_texts()[0].get_text()
    to_png(one_sided, dpi=40)


def test_courses_have_a_panel_per_condition_and_a_line_per_dose(study):
    own = study.courses[study.courses.quantity == "zinc_nM"]
    figure = courses_figure(own, "zinc_nM", study.phases, study.align_s)
    panels = [axis for axis in figure.axes if axis.get_legend() is not None]
    assert len(panels) == 2
    assert figure.get_supxlabel().startswith("Time since the start of the phase (")
    labels = [text.get_text() for text in panels[0].get_legend().get_texts()]
    assert labels == ["0 µM", "30 µM", "90 µM"]
    assert panels[0].get_yscale() == "log"


def test_the_axis_of_courses_holds_baseline_and_response_only(study):
    own = study.courses[study.courses.quantity == "zinc_nM"].copy()
    late = own.time_s >= 200.0
    own.loc[late, ["mean_of_dishes", "low", "high"]] = 1e6
    phases = [p.model_copy(update={"end_s": 260.0}) if p.role == "response" else p
              for p in study.phases]  # fmt: skip
    figure = courses_figure(own, "zinc_nM", phases, study.align_s)
    assert max(axis.get_ylim()[1] for axis in figure.axes) < 1e4


def test_courses_of_a_signal_are_linear_and_share_a_panel():
    study = example_study(doses=(), n_experiments=3, n_dishes=1, n_cells=4)
    own = study.courses[study.courses.quantity == "f_f0"]
    figure = courses_figure(own, "f_f0")
    (panel,) = [axis for axis in figure.axes if axis.get_legend() is not None]
    assert panel.get_yscale() == "linear"
    assert panel.get_ylabel() == "F/F0"
    # Without phases there is none whose start could be time 0.
    assert figure.get_supxlabel().startswith("Time (")


def test_courses_without_a_number_are_drawn(study):
    own = study.courses[study.courses.quantity == "zinc_nM"]
    blank = own.assign(mean_of_dishes=np.nan, low=np.nan, high=np.nan)
    to_png(courses_figure(blank, "zinc_nM", study.phases, study.align_s), dpi=40)


def test_the_heat_map_tells_what_lies_beyond(study):
    heat = study.heat_map.copy()
    heat.loc[0, ["value", "beyond"]] = [np.nan, "below"]
    heat.loc[1, ["value", "beyond"]] = [np.nan, "above"]
    heat.loc[2, "value"] = np.nan
    figure = heat_map_figure(heat, "zinc_nM", study.phases, study.align_s)
    axis = figure.axes[0]
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts == ["above the range", "below the range", "no number"]
    first = axis.images[0].get_array()
    assert mpl.colors.to_hex(first[0, 0]) == "#56b4e9"
    assert mpl.colors.to_hex(first[0, 1]) == "#d55e00"
    assert len(axis.images) == 6


def test_the_heat_map_of_a_signal(study):
    heat = study.heat_map.assign(quantity="f_f0")
    figure = heat_map_figure(heat, "f_f0")
    assert figure.axes[1].get_ylabel() == "F/F0"
    assert figure.axes[0].get_xlabel().startswith("Time (")
    to_png(figure, dpi=40)


@pytest.mark.slow
def test_hostile_names_are_drawn():
    for name, draw in study_figures(hostile_study()):
        if RATE in name or "peak" not in name:
            svg = to_svg(draw())
            assert b"<script" not in svg
            assert b"\xe2\x80\xae" not in svg  # right-to-left override


@given(st.text(), st.integers(2, 40))
def test_names_fit_on_one_line(text, most):
    line = shown(text, most)
    assert len(line) <= most
    assert line == " ".join(line.split())


@given(st.lists(st.text(max_size=5), unique=True, max_size=36))
def test_no_two_experiments_look_alike(names):
    assert len(set(experiment_looks(names).values())) == len(names)


def test_arms_keep_the_order_of_conditions_and_sort_doses():
    table = pd.DataFrame(
        {
            "condition": ["b", "a", "b", "c"],
            "dose": [30.0, np.nan, 0.0, np.nan],
            "dose_unit": ["µM", "", "µM", ""],
            "group": "",
        }
    )
    arms = arms_of(table)
    assert [(arm.condition, arm.dose) for arm in arms] == [
        ("b", "0"),
        ("b", "30"),
        ("a", ""),
        ("c", ""),
    ]
    assert all(len(arm.rows(table)) == 1 for arm in arms)
    assert np.diff([arm.place for arm in arms]).min() >= 1.0


@pytest.mark.parametrize("shape", [(40, 50), (700, 900), (2048, 2048), (5, 3000)])
def test_thumbnails_are_small_and_show_the_cells(shape):
    rng = np.random.default_rng(0)
    labels = np.zeros(shape, dtype=np.int32)
    labels[1 : shape[0] // 2, 3 : shape[1] // 2] = 1
    labels[shape[0] // 2 + 1 :, shape[1] // 2 :] = 2
    png = thumbnail(rng.normal(100, 20, shape), labels, excluded=[2])
    assert len(png) <= MAX_BYTES


def test_thumbnails_without_image_are_black_with_outlines():
    import io

    from PIL import Image

    labels = np.zeros((20, 20), dtype=np.int32)
    labels[5:15, 5:15] = 1
    pixels = np.asarray(Image.open(io.BytesIO(thumbnail(None, labels))).convert("RGB"))
    assert pixels[5, 5].tolist() == [240, 228, 66]
    assert pixels[0, 0].tolist() == [0, 0, 0]
