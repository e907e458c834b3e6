from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from zincflux.errors import ExperimentError
from zincflux.segment import GivenLabels, Otsu, Segment, Watershed
from zincflux.settings import dumps, keys, read_toml


def test_defaults_make_a_watershed():
    assert Segment().segmenter() == Watershed()


def test_keys_reach_the_segmenter():
    chosen = Segment(
        diameter_um=9, minimum_contrast=0.3, smallest_um2=5, largest_um2=900, exclude_border=True
    )
    assert chosen.segmenter() == Watershed(
        diameter_um=9, minimum_contrast=0.3, smallest_um2=5, largest_um2=900, exclude_border=True
    )


def test_otsu():
    assert Segment(method="otsu", diameter_um=9).segmenter() == Otsu(diameter_um=9)


def test_labels_are_handed_over():
    labels = np.array([[0, 4], [4, 0]])
    segmenter = Segment(method="labels", labels="cells.tif").segmenter(labels)
    assert isinstance(segmenter, GivenLabels)
    np.testing.assert_array_equal(segmenter(np.zeros((2, 2)), 0.65), labels)


def test_labels_must_be_handed_over():
    with pytest.raises(ExperimentError, match=r"segment\.labels: expected a label image"):
        Segment(method="labels", labels="cells.tif").segmenter()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": "cells.tif"}, 'labels has no effect with method = "watershed"'),
        ({"method": "otsu", "labels": "cells.tif"}, 'labels has no effect with method = "otsu"'),
        ({"method": "otsu", "minimum_contrast": 0.5}, "minimum_contrast has no effect"),
        ({"method": "labels"}, r"needs a label image\. Set segment\.labels"),
        ({"method": "labels", "labels": "a.tif", "exclude_border": True}, "exclude_border has no"),
        ({"method": "labels", "labels": "a.tif", "smallest_um2": 3}, "smallest_um2 has no effect"),
        ({"ring_width_um": 3}, 'ring_width_um has no effect without the region "ring"'),
        ({"puncta_um": 1}, 'puncta_um has no effect without the region "ring" or "cytosol"'),
        ({"regions": ("cell", "cell")}, "expected each region once"),
        ({"regions": ()}, "at least 1 item"),
        ({"diameter_um": 0}, "greater than 0"),
    ],
)
def test_a_key_without_effect_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Segment(**given)


def test_error_names_the_section():
    with pytest.raises(ExperimentError, match=r"cells\.toml: segment: labels has no effect"):
        Segment.parse({"labels": "a.tif"}, where="cells.toml: segment")


def test_resolved_settings_can_be_read_back(tmp_path):
    """They hold every default, which is no contradiction."""
    for chosen in (
        Segment(method="otsu"),
        Segment(regions=("cell", "ring"), ring_width_um=3),
        Segment(method="labels", labels=str(tmp_path / "cells.tif")),
    ):
        path = tmp_path / "segment.toml"
        path.write_text(dumps(chosen, folder=tmp_path), encoding="utf-8")
        assert Segment.parse(read_toml(path), where="segment", folder=tmp_path) == chosen


def test_every_key_has_help():
    assert [key.name for key in keys(Segment) if not key.help] == []
