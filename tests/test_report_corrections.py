"""What the report says of backgrounds and bleaching that come from elsewhere."""

from zincflux.report.corrections import correction_rows

KNOWN = {
    "level": 104.0,
    "level_sd": 0.0,
    "autofluorescence": 0.0,
    "autofluorescence_sd": 0.0,
    "autofluorescence_se": 0.0,
}
RATE = {"rate_per_s": 2e-3, "rate_se_per_s": 1e-4, "left_at_end": 0.55}


def background(found, **keys):
    record = {"method": "blank", "channels": {"dye": {**KNOWN, **found}}, **keys}
    return dict(correction_rows({"background": record}))


def bleaching(found, **keys):
    return dict(correction_rows({"bleaching": {"channels": {"dye": {**RATE, **found}}, **keys}}))


def test_what_has_no_error_and_comes_from_the_movie_is_not_listed():
    assert correction_rows({}) == []
    assert background({}) == {}
    assert bleaching({"rate_per_s": None, "rate_se_per_s": None}) == {}


def test_a_blank_is_named_with_its_errors():
    blank = {"from": "blank.tif", "n_frames": 12, "n_tiles": 64}
    text = background({"uneven_sd": 3.0, "change_sd": 2.0}, blank=blank)["Background, dye"]
    assert text == (
        "104 counts from the blank blank.tif (12 frames, 64 tiles as large as a cell); standard "
        "deviation from place to place 3, from frame to frame 2"
    )
    one = background({"uneven_sd": 3.0, "change_sd": None}, blank={**blank, "n_frames": 1})
    assert "(1 frame, " in one["Background, dye"]
    assert one["Background, dye"].endswith("unknown (one frame)")


def test_a_background_that_is_given_has_its_error():
    assert background({"level_sd": 2.0})["Background, dye"] == "104 ± 2 counts"
    assert background({"level": None, "level_sd": 2.0})["Background, dye"] == "– counts"


def test_autofluorescence_says_where_it_was_measured():
    given = background({"autofluorescence": 20.0, "autofluorescence_sd": 5.0})
    assert given["Autofluorescence, dye"] == "20 ± 5 counts from cell to cell"
    measured = background(
        {"autofluorescence": 20.0, "autofluorescence_sd": 5.0, "autofluorescence_se": 1.0},
        unlabelled={"from": "plain", "n_cells": 25},
    )
    assert measured["Autofluorescence, dye"].endswith(
        "; 25 unlabelled cells in plain, standard error of their mean 1"
    )


def test_bleaching_says_which_dish_it_is_from():
    assert bleaching({})["Bleaching, dye"] == "0.002 ± 0.0001 per s, 55 % left in the last frame"
    control = {"from": "control", "scales_with": "light", "between_dishes_sd": 0.2}
    text = bleaching({}, **control)["Bleaching, dye"]
    assert text.endswith("as the control control lost per frame, dishes taken to differ by 20 %")
    curve = bleaching(
        {"rate_per_s": None, "rate_se_per_s": None}, **{**control, "scales_with": "time"}
    )
    assert curve["Bleaching, dye"].startswith("55 % left in the last frame; as the control")
    assert "per second" in curve["Bleaching, dye"]
