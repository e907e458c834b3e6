"""The zinc image as layers: what is shown, its colours and why pixels have no number; no Qt."""

import numpy as np
import pytest

import zincflux
from napari_zincflux.layers import Axes
from napari_zincflux.zinc_layers import (
    BEYOND,
    KEPT_FRAMES,
    REASON,
    ZINC,
    Frames,
    log_colours,
    reason_table,
    usable_range_nM,
    zinc_layers,
)
from runs import make_dish, run_quietly
from zincflux.columns import FLAGS
from zincflux.pipeline import zinc_images

pytest.importorskip("napari", reason="the colours of layers are napari's")
pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")

AXES = Axes.of(0.5, np.arange(40) * 5.0)


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    return make_dish(tmp_path_factory.mktemp("dish"))


@pytest.fixture(scope="module")
def analysis(dish):
    return zincflux.analyze(zincflux.load_experiment(dish), keep=True, jobs=1)


@pytest.fixture(scope="module")
def images(analysis):
    return zinc_images(analysis)


def test_layers_are_made_frame_by_frame_when_they_are_shown(images):
    (why, why_options, kind), (zinc, options, image) = zinc_layers(images, AXES, (0.5, 100.0))
    assert (kind, image) == ("labels", "image")
    assert (why_options["name"], options["name"]) == (REASON, ZINC)
    assert zinc.shape == why.shape == (40, 64, 64)
    assert zinc.chunksize == (1, 64, 64)
    np.testing.assert_allclose(np.asarray(zinc[12]), images[12].zinc_nM, rtol=1e-6)
    assert options["contrast_limits"] == (0.5, 100.0)
    assert options["scale"] == (5.0, 0.5, 0.5)
    assert options["units"] == ("s", "µm", "µm")


def test_pixels_without_a_number_say_why(images):
    frames = Frames(images)
    words = reason_table().set_index("index")["why"]
    for t in (0, 25):
        reason, zinc = frames.reason(t), frames.zinc_nM(t)
        inside = images.labels_at(t) > 0
        np.testing.assert_array_equal(reason > 0, inside & np.isnan(zinc))
        assert set(words[np.unique(reason[reason > 0])]) <= set(FLAGS.values())
    assert words[1] == FLAGS["below_min"]
    assert (frames.reason(25) == 1).any()


def test_an_image_is_made_once_for_both_layers(images, monkeypatch):
    asked = []
    kind = type(images)
    make = kind.__getitem__
    monkeypatch.setattr(kind, "__getitem__", lambda self, t: asked.append(t) or make(self, t))
    frames = Frames(images)
    for t in (3, 3, 4):
        frames.zinc_nM(t)
        frames.reason(t)
    assert asked == [3, 4]
    for t in range(5, 5 + KEPT_FRAMES):
        frames.zinc_nM(t)
    frames.zinc_nM(3)
    assert asked[-1] == 3


def test_colours_are_even_steps_of_the_logarithm():
    from napari.utils.colormaps import ensure_colormap

    viridis = ensure_colormap("viridis")
    colours = log_colours(0.1, 10.0)
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = 0.1 * 100**part
        place = (value - 0.1) / (10.0 - 0.1)
        np.testing.assert_allclose(colours.map(place), viridis.map(part), atol=0.02)


@pytest.mark.parametrize(("low", "high"), [(0.0, 10.0), (-5.0, 10.0), (5.0, 5.0), (-2.0, -1.0)])
def test_any_limits_make_colours(low, high):
    controls = log_colours(low, high).controls
    assert (controls[0], controls[-1]) == (0.0, 1.0)
    assert (np.diff(controls) > 0).all()


@pytest.mark.slow
def test_colours_reach_over_the_usable_range(analysis, dish, tmp_path):
    usable = analysis.reach.zinc_ranges[-1]
    shown = max(usable.low_nM, usable.high_nM / 1000), usable.high_nM
    assert usable_range_nM(analysis) == pytest.approx(shown)
    results = zincflux.read_results(run_quietly(dish, tmp_path / "out").out)
    assert usable_range_nM(results) == pytest.approx(shown)
    results.run["reach"] = None
    assert usable_range_nM(results) == pytest.approx((15 / 9, 15 * 9))


def test_colours_span_three_decades_at_most(analysis):
    from dataclasses import replace

    from zincflux.calibrate import ZincRange

    reach = replace(analysis.reach, zinc_ranges=(ZincRange(3.0, 1e-3, 100.0),))
    assert usable_range_nM(replace(analysis, reach=reach)) == pytest.approx((0.1, 100.0))
    nothing = replace(analysis.reach, zinc_ranges=(ZincRange(3.0, np.nan, np.nan),))
    assert usable_range_nM(replace(analysis, reach=nothing)) == pytest.approx((15 / 9, 135.0))


def test_zinc_beyond_the_range_has_colours_of_its_own(images):
    (_, options, _), _ = zinc_layers(images, AXES, (0.5, 100.0))
    colours = options["colormap"].color_dict
    assert colours[0][3] == colours[None][3] == 0
    own = {name: tuple(colours[1 + [*FLAGS].index(name)][:3]) for name in FLAGS}
    assert len(set(own.values())) == 1 + len(BEYOND)
