"""What the page of a study says: no more than its tables, and all that a reader must know."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study_example import HOSTILE, PHASES, example_study, hostile_study
from zincflux.columns import STUDY_TABLES, conform
from zincflux.report import render_study
from zincflux.report.arms import arms_of, groups_of
from zincflux.report.chart_tables import dish_table
from zincflux.report.headline import headline
from zincflux.report.methods import methods_text
from zincflux.report.panels import cells_of, panels_of
from zincflux.report.superplot import superplot_chart
from zincflux.statistics import StudySettings


@pytest.fixture
def no_drawing(monkeypatch):
    """Leave out the pictures for readers without scripts, which take seconds to draw."""
    monkeypatch.setattr("zincflux.report.study.static_picture", lambda _study, _kind: "")


@pytest.fixture(scope="module")
def study():
    return example_study(conditions=("control", "B"), doses=(), n_cells=6)


def with_conditions(study, **columns):
    """Replace columns of the second arm in every metric; the first is the control."""
    table = study.conditions.copy()
    table["control"] = table["control"].astype(object)
    for name, value in columns.items():
        table.loc[table["condition"] == "B", name] = value
    return replace(study, conditions=table)


def with_differences(study, difference, low, high, **columns):
    """Compare the second arm by differences."""
    folds = dict.fromkeys(("fold_change", "fold_low", "fold_high"), np.nan)
    ends = {"difference": difference, "difference_low": low, "difference_high": high}
    return with_conditions(study, **folds, **ends, control="control", **columns)


def test_the_headline_states_fold_change_interval_and_counts(study):
    told = with_conditions(
        study, fold_change=1.84, fold_low=1.21, fold_high=2.8, control="control", n_cells=300
    )
    # What the interval rests on is told by its test: the arm has an experiment without control.
    tests = study.tests.assign(n_experiments=3, n_cells=210)
    told = replace(told, tests=tests)
    assert headline(told) == (
        "B raised the initial rate of free zinc 1.84-fold over control "
        "(Zn uptake; 95 % CI 1.21 to 2.8, 3 experiments, 210 cells)."
    )
    untold = headline(replace(told, tests=tests.assign(is_headline=False)))
    assert untold.endswith("(Zn uptake; 95 % CI 1.21 to 2.8).")


def test_the_headline_tells_differences_where_there_are_no_ratios(study):
    told = replace(with_differences(study, 0.05, 0.02, 0.08), tests=study.tests.assign(n_cells=9))
    counts = "4 experiments, 9 cells)."
    assert headline(told) == (
        "B raised the initial rate of free zinc by 50 pM/s over control "
        f"(Zn uptake; 95 % CI 20 to 80 pM/s, {counts}"
    )
    told = replace(with_differences(told, -0.05, -0.08, -0.02), tests=told.tests)
    assert headline(told) == (
        "B lowered the initial rate of free zinc by 50 pM/s from that of control "
        f"(Zn uptake; 95 % CI −80 to −20 pM/s, {counts}"
    )
    told = replace(with_differences(told, -0.01, -0.08, 0.06), tests=told.tests)
    assert headline(told).startswith(
        "B did not clearly change the initial rate of free zinc: 10 pM/s below that of control ("
    )
    few = headline(with_differences(study, 0.05, np.nan, np.nan))
    assert "initial rate of free zinc 50 pM/s above that of control (Zn uptake; 4 exp" in few
    assert few.endswith("no interval: no conclusion can rest on it.")


@pytest.mark.slow
def test_of_several_comparisons_a_direction_needs_the_adjusted_p_value():
    study = example_study(n_cells=3)
    assert " raised the " in headline(study)
    table = study.conditions.copy()
    table["p_adjusted"] = 0.06
    said = headline(replace(study, conditions=table))
    assert "did not clearly change the initial rate of free zinc after adjustment for 9 " in said
    assert said.endswith("This is the largest of 9 comparisons; all are listed below.")
    table.loc[table["dose"] == 30, "p_adjusted"] = 0.04
    said = headline(replace(study, conditions=table))
    assert "This is the largest of 9 comparisons, of which 2 are clear; all are listed" in said


def test_the_headline_claims_no_change_that_the_interval_does_not(study):
    told = with_conditions(study, fold_change=1.3, fold_low=0.8, fold_high=2.1, control="control")
    assert headline(told).startswith(
        "B did not clearly change the initial rate of free zinc: 1.3-fold that of control "
        "(Zn uptake; 95 % CI 0.8 to 2.1"
    )
    lower = with_conditions(study, fold_change=0.4, fold_low=0.3, fold_high=0.6)
    assert "lowered the initial rate" in headline(lower)
    assert "to 0.4-fold that of" in headline(lower)


def test_two_experiments_carry_no_conclusion(study):
    few = with_conditions(
        study,
        fold_change=1.8,
        fold_low=np.nan,
        fold_high=np.nan,
        control="control",
    )
    few = replace(few, tests=study.tests.assign(n_experiments=2))
    said = headline(few)
    assert "1.8-fold that of control (Zn uptake; 2 experiments," in said
    assert said.endswith("fewer than 3 experiments: no conclusion can rest on it.")
    assert "CI" not in said


def test_without_a_control_nothing_is_compared(study):
    alone = with_conditions(study, fold_change=np.nan, control="")
    unnamed = replace(alone, settings=StudySettings())
    said = headline(unnamed)
    assert said.startswith("Initial rate of free zinc (Zn uptake, mean of dishes, ")
    assert "control " in said
    assert "B " in said
    assert said.endswith("Nothing is compared, since no control is named.")
    assert headline(alone).endswith("Nothing is compared, since no arm stands beside its control.")


def test_a_comparison_that_is_withheld_is_no_missing_control(study):
    why = "B: 2 of 8 dishes lie above the calibrated range, so that it is not compared"
    withheld = with_conditions(study, fold_change=np.nan, control="control", note=why)
    assert headline(withheld).endswith(f" Nothing is compared: {why}.")
    blank = with_conditions(study, fold_change=np.nan, control="control")
    assert headline(blank).endswith("an arm or its control has no number.")


def test_of_several_comparisons_the_largest_is_named_as_such():
    said = headline(example_study())
    assert "This is the largest of 9 comparisons; all are listed below." in said


def empty_study():
    study = example_study(conditions=("control", "B"), doses=(), n_cells=3)
    bare = {
        name: conform(pd.DataFrame(), columns, (), regions=True)
        for name, columns in STUDY_TABLES.items()
        if name != "experiments"
    }
    failed = study.experiments.assign(status="failed", reason="no such file")
    reasons = study.reasons.iloc[:0]
    return replace(study, **bare, experiments=failed, reasons=reasons, thumbnails={}, constants=())


def test_a_study_in_which_every_movie_failed_has_a_page():
    page = render_study(empty_study())
    assert "No movie gave a number to compare." in page
    assert "17 movies failed and are in no number below" in page
    assert "no such file" in page
    assert "<figure data-chart>\n" not in page


@pytest.mark.usefixtures("no_drawing")
def test_the_same_study_gives_the_same_bytes(study):
    assert render_study(study) == render_study(replace(study))


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
def test_failures_and_warnings_stand_before_all_results():
    page = render_study(example_study(n_cells=4))
    body = page[page.index("<main") :]
    first = body.index("movies/lost.tif: no such file. Check the path.")
    assert first < body.index("still rising at its end") < body.index('id="courses"')
    assert "1 movie failed and is in no number below" in page


@pytest.mark.usefixtures("no_drawing")
def test_warnings_that_many_movies_share_are_said_once(study):
    names = [f"dish {n}" for n in range(9)]
    page = render_study(replace(study, warnings=tuple((name, "too dim") for name in names)))
    assert page.count("too dim") == 1
    assert "and 4 more" in page


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
def test_forty_movies_stay_small():
    study = example_study(n_experiments=4, n_dishes=1, n_cells=100)
    rng = np.random.default_rng(1)
    names = list(study.experiments["sample"])
    study = replace(study, thumbnails={name: rng.bytes(60_000) for name in names})
    assert len(names) == 41
    assert len(render_study(study).encode()) < 4_500_000


def test_methods_name_every_constant_and_citation(study):
    text = " ".join(methods_text(study))
    for words in (
        "zincflux 0.1.0",
        "K = 15 nM and n = 1",
        "Gee et al., J Am Chem Soc 2002;124:776; doi 10.1021/ja011774y; read in the source",
        "Grynkiewicz et al., J Biol Chem 1985;260:3440",
        "Smin and Smax: in situ, per cell",
        "first 30 s of a phase",
        "more than 3 standard deviations",
        "represented by the median of its cells",
        "10.1083/jcb.202001064",
        "phase correlation",
        "percentile",
        "python 3.11.7",
    ):
        assert words in text, words


def test_methods_of_other_constants_name_their_samples(study):
    first = study.constants[0]
    plain = replace(first, samples=("x",), indicator="", k_nM=None, background="ring", beta=2.5)
    with_beta = replace(first, samples=tuple("abcdefgh"), beta=2.5)
    texts = methods_text(replace(study, constants=(plain, with_beta)))
    assert texts[0].startswith("1 movie (x) of cultured cells")
    assert "not converted to concentrations" in texts[0]
    assert "a ring around each cell" in texts[0]
    assert "8 movies (a, b, c, d, e, f and 2 more)" in texts[1]
    assert "Z = K·[β·(S − Smin)/(Smax − S)]^(1/n)" in texts[1]
    assert "β = 2.5" in texts[1]


def test_methods_tell_of_subtracted_rates(study):
    settings = StudySettings(control="control", subtract_control="control", level="mean")
    text = " ".join(methods_text(replace(study, settings=settings)))
    assert "The mean rate of control in the same experiment was subtracted from rates." in text
    assert "represented by the mean of its cells" in text


def test_cells_of_a_superplot_are_corrected_as_their_dishes_are(study):
    settings = StudySettings(control="control", subtract_control="control")
    panel = panels_of(study)[0]
    raw = cells_of(study, panel)
    told = cells_of(replace(study, settings=settings), panel)
    own = told["condition"] == "control"
    assert told.loc[own, "value"].mean() == pytest.approx(0, abs=1e-9)
    assert (told.loc[~own, "value"] < raw.loc[~own, "value"]).all()


def test_arms_stand_in_order_and_look_different():
    study = example_study(n_cells=3)
    arms = arms_of(study.conditions, control="Zn citrate")
    assert [arm.condition for arm in arms] == ["Zn citrate"] * 5 + ["ZnCl2"] * 5
    assert [arm.dose for arm in arms[:5]] == [0, 30, 60, 90, 180]
    assert [arm.short for arm in arms[:2]] == ["0", "30"]
    assert arms[0].opacity < arms[4].opacity == 1
    assert [one["name"] for one in groups_of(arms)] == ["Zn citrate (µM)", "ZnCl2 (µM)"]
    many = pd.DataFrame({"condition": [f"c{n}" for n in range(30)]}).assign(
        dose=np.nan, dose_unit="", group=""
    )
    looks = {(arm.colour, arm.dash) for arm in arms_of(many)}
    assert len(looks) == 30
    assert groups_of(arms_of(many)) == []


@pytest.mark.slow
def test_groups_of_a_reporter_are_arms_of_their_own():
    study = example_study(n_cells=6, n_dishes=1, groups=("positive", "negative"))
    arms = arms_of(study.conditions)
    assert len(arms) == 20
    assert arms[0].name == "ZnCl2, 0 µM, reporter positive"
    assert arms[0].dash != arms[10].dash
    assert groups_of(arms)[0]["name"] == "ZnCl2 (µM), reporter positive"


def test_too_many_cells_are_thinned_and_it_is_said(study, monkeypatch):
    monkeypatch.setattr("zincflux.report.superplot.MOST_POINTS", 20)
    arms = arms_of(study.conditions)
    measure = superplot_chart(study, arms, panels_of(study))["measures"][0]
    n = sum(len(cloud["x"]) for cloud in measure["points"] if cloud.get("small"))
    assert 0 < n <= 20
    assert "is drawn" in measure["note"]


def test_dishes_beyond_the_range_are_counted(study):
    dishes = study.dishes.copy()
    dishes["beyond"] = dishes["beyond"].astype(object)
    dishes.loc[dishes.index[:2], ["level", "beyond"]] = [np.nan, "above"]
    dishes.loc[dishes.index[2], ["level", "beyond"]] = [np.nan, "not positive"]
    dishes.loc[dishes.index[3], "level"] = np.nan
    dishes.loc[dishes.index[4], ["level", "beyond"]] = [np.nan, "both"]
    told = replace(study, dishes=dishes)
    arms, panels = arms_of(study.conditions), panels_of(study)
    assert superplot_chart(told, arms, panels)["measures"][0]["note"] == (
        "5 dishes cannot be drawn: 2 above the range, 1 below and above the range, 1 no number, "
        "1 numbers not positive."
    )
    table = dish_table(told, arms, panels)
    assert "note" not in table
    said = [row[-1] for row in table["rows"]]
    assert said.count("above the range") == 2
    assert {"numbers not positive", "no number", "below and above the range"} <= set(said)
    assert not {"not positive range", " range", "both range"} & set(said)


def test_a_table_of_dishes_that_is_cut_says_so(study, monkeypatch):
    monkeypatch.setattr("zincflux.report.chart_tables.MOST_DISHES", 5)
    table = dish_table(study, arms_of(study.conditions), panels_of(study))
    assert len(table["rows"]) == 5
    assert table["note"] == "The first 5 of 16 dishes."
    monkeypatch.setattr("zincflux.report.study.static_picture", lambda _study, _kind: "")
    assert "The first 5 of 16 dishes." in render_study(study)


@pytest.mark.usefixtures("no_drawing")
def test_the_statistics_tell_differences_in_the_unit_of_the_page(study):
    page = render_study(with_differences(study, 0.05, 0.02, 0.08))
    assert "<strong>50</strong>" in page
    assert "20 to 80" in page
    assert '<th scope="col" class="n">Difference</th>' in page
    assert "Differences are those of the means from the control." in page
    assert "Fold change</th>" not in page
    assert "Fold changes are e to" not in page
    folds = render_study(study)
    assert '<th scope="col" class="n">Fold change</th>' in folds
    assert "Fold changes are e to the mean log ratio to the control. Where experiments" in folds
    assert "Differences are" not in folds
    assert "Welch" not in folds
    assert "Welch" in render_study(with_conditions(study, pairing="unpaired"))


def test_methods_tell_of_differences(study):
    text = " ".join(methods_text(with_differences(study, 0.05, 0.02, 0.08)))
    assert "Fold changes" not in text
    assert "compared by the mean difference from the control, paired by experiment where" in text
    assert "P values were adjusted for multiplicity" in text
    alone = with_conditions(study, fold_change=np.nan)
    assert "P values" not in " ".join(methods_text(alone))


def test_methods_tell_what_the_level_does_with_cells_beyond_the_range(study):
    assert "rank below or above all others in medians." in " ".join(methods_text(study))
    mean = replace(study, settings=StudySettings(control="control", level="mean"))
    text = " ".join(methods_text(mean))
    assert "rank below" not in text
    assert "have no number and are left out of means, which are blank where" in text


@pytest.mark.usefixtures("no_drawing")
def test_dishes_of_other_conditions_and_doses_are_others(study):
    # Two conditions on four days with two dishes each, which all have the same two names.
    assert "<li><b>16</b>dishes</li>" in render_study(study)


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
def test_the_page_names_the_confidence_of_intervals():
    study = example_study(n_cells=3)
    study = replace(study, settings=StudySettings(alpha=0.1))
    page = render_study(study)
    assert "95 % CI" not in page
    assert "95 % t" not in page
    assert page.count("90 % CI") >= 2 + len(panels_of(study))


@pytest.mark.usefixtures("no_drawing")
def test_missing_cells_stand_beside_those_beyond_the_range(study):
    page = render_study(with_conditions(study, share_missing=0.25))
    assert "Below / above range / no number" in page
    assert "0 % / 2 % / 25 %" in page


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
def test_hostile_names_end_no_element():
    page = render_study(hostile_study())
    harmless = {"conditions": tuple("abcdef"), "doses": (), "n_experiments": 3, "n_dishes": 1}
    plain = render_study(example_study(**harmless, n_cells=4))
    for tag in ("<script", "</script", "<style", "<img", "<a "):
        assert page.count(tag) == plain.count(tag), tag
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for data in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL):
        assert "<" not in data
    assert max(map(len, re.findall(r"<bdi[^>]*>([^<]*)</bdi>", page))) < 1000
    assert HOSTILE[1].replace('"', "&#34;") in page


@pytest.mark.usefixtures("no_drawing")
def test_tests_that_failed_to_converge_say_so(study):
    tests = study.tests.assign(converged=False, note="singular")
    assert "did not converge; singular" in render_study(replace(study, tests=tests))


@pytest.mark.usefixtures("no_drawing")
def test_courses_without_phases_start_with_the_movie(study):
    page = render_study(replace(study, phases=()))
    assert "Time (s)" in page
    aligned = render_study(replace(study, phases=PHASES))
    assert "Time from the start of Zn uptake (s)" in aligned


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("median", "on the axis but count in the medians."),
        (
            "mean",
            "on the axis and none in the means; a dish with more than 5 % of them has no mean.",
        ),
    ],
)
def test_the_superplot_says_what_becomes_of_cells_beyond_the_range(study, no_drawing, level, words):
    settings = study.settings.model_copy(update={"level": level})
    page = render_study(replace(study, settings=settings))
    assert words in page
    assert f"({level} of their cells)" in page
