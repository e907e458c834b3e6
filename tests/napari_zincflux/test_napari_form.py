"""Forms are made from the settings models."""

import pytest

from napari_zincflux.choices import SECTIONS
from napari_zincflux.form import entries, parted
from napari_zincflux.form_words import ESSENTIAL, HIDDEN, SECTION_WORDS
from zincflux.experiment import Experiment
from zincflux.settings import keys

EVERY = {
    one.key: one
    for sections in SECTIONS.values()
    for one in entries(*(name for name in sections if name not in ("phases",)))
}


def test_every_key_of_the_experiment_file_can_be_chosen():
    wanted = {key.name for key in keys(Experiment)}
    wanted = {key for key in wanted if key.partition(".")[0].rstrip("[]") not in HIDDEN}
    assert set(EVERY) == wanted - HIDDEN


def test_every_essential_key_exists_and_stands_first():
    for step, names in ESSENTIAL.items():
        first, more = parted(step, entries(*SECTIONS[step]))
        assert [one.key for one in first] == list(names)
        assert not {one.key for one in more} & set(names)


def test_every_group_behind_more_has_words():
    assert {one.section for one in EVERY.values()} - set(SECTION_WORDS) == {"name", "indicator"}


def test_every_entry_has_help_and_a_label():
    for one in EVERY.values():
        assert one.help
        assert one.label
        assert one.key in one.tooltip


@pytest.mark.parametrize(
    ("key", "kind", "unit", "bounds"),
    [
        ("segment.diameter_um", "number", "µm", ""),
        ("movie.pixel_size_um", "number", "µm", "Above 0 µm"),
        ("segment.minimum_contrast", "number", "", "Above 0 and at most 1"),
        ("background.percentile", "number", "", "Above 0 and below 100"),
        ("track.max_gap_frames", "whole", "frames", "At least 0 and at most 100 frames"),
        ("segment.labels", "path", "", ""),
        ("channels.signal", "channel", "", ""),
        ("channels.extra", "names", "", ""),
        ("background.ring_um", "numbers", "µm", ""),
        ("track.divisions", "flag", "", ""),
        ("name", "text", "", ""),
        ("movie.z", "whole", "", "At least 0"),
    ],
)
def test_kinds_units_and_bounds(key, kind, unit, bounds):
    one = EVERY[key]
    assert (one.kind, one.unit, one.bounds) == (kind, unit, bounds)


def test_choices_come_from_the_model_and_say_what_stands_for_nothing():
    assert EVERY["segment.method"].choices[:2] == ("watershed", "otsu")
    source = EVERY["calibration.source"]
    assert source.choices[0] is None
    assert source.words(None) == "automatic"
    beta = EVERY["calibration.k_includes_beta"]
    assert [beta.words(choice) for choice in beta.choices] == ["not given", "yes", "no"]
    assert "FluoZin-3" in EVERY["indicator"].choices


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("segment.diameter_um", "12.5", 12.5),
        ("segment.diameter_um", "12,5", 12.5),
        ("segment.diameter_um", "auto", "auto"),
        ("segment.diameter_um", "  ", None),
        ("track.max_gap_frames", "3", 3),
        ("track.max_gap_frames", "3.5", 3.5),
        ("movie.z", "max", "max"),
        ("movie.z", "4", 4),
        ("background.ring_um", "2, 8", [2.0, 8.0]),
        ("bleaching.phases", "rest, wash", ["rest", "wash"]),
        ("segment.labels", "a,b.tif", "a,b.tif"),
    ],
)
def test_what_is_entered_is_read(key, text, value):
    assert EVERY[key].read(text) == value


@pytest.mark.parametrize("value", [None, 0.1, 1 / 3, 15.0, 3, "auto", [2.0, 8.0], ["a", "b"]])
def test_what_is_shown_is_read_back(value):
    key = {list: "background.ring_um"}.get(type(value), "segment.diameter_um")
    one = EVERY["bleaching.phases"] if value == ["a", "b"] else EVERY[key]
    assert one.read(one.show(value)) == value
