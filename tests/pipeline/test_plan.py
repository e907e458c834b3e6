from pathlib import Path

import numpy as np
import pytest
import tifffile
from dishes import SIZE, dish, experiment_of, movie_of

from zincflux.errors import ExperimentError, ReaderError
from zincflux.movie import Movie
from zincflux.pipeline.plan import make_plan

TWO = movie_of(np.zeros((50, 2, 8, 8), np.uint16), ("CFP", "FRET"))
PAIR = {"numerator": "FRET", "denominator": "CFP"}


def test_only_channel_is_the_signal() -> None:
    plan = make_plan(experiment_of(), dish())
    assert plan.channels == ("dye",)
    assert plan.signal == (0,)
    assert not plan.is_ratio


def test_ratio_channels_are_summed_for_segmenting() -> None:
    plan = make_plan(
        experiment_of({"indicator": "ZapCY2", "channels": PAIR, "calibration": {}}), TWO
    )
    assert plan.signal == (1, 0)
    assert plan.is_ratio
    frame = np.stack([np.full((8, 8), 3), np.full((8, 8), 4)])
    assert (plan.segment_image(frame) == 7).all()


def test_only_channels_with_a_role_are_read() -> None:
    movie = movie_of(np.arange(50 * 3 * 4).reshape(50, 3, 2, 2), ("a", "b", "c"))
    plan = make_plan(experiment_of({"channels": {"signal": "c", "extra": ["a"]}}), movie)
    assert plan.channels == ("a", "c")
    assert plan.signal == (1,)
    assert np.array_equal(plan.read(1), movie.frame(1)[[0, 2]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": {}}, r"the movie has 2 channels \('CFP', 'FRET'\) and none is named"),
        ({"channels": {"signal": "FRED"}}, r"channels\.signal: expected one of .*mean 'FRET'"),
        ({"channels": PAIR}, "FluoZin-3 is an intensity indicator, but numerator"),
        (
            {"channels": {"signal": 0}, "indicator": "ZapCY2", "calibration": {}},
            "ZapCY2 is a fret indicator and needs two channels",
        ),
        (
            {"channels": {"signal": 0}, "bleed_through": {"donor": 0.3}},
            "the movie is not analysed as a ratio",
        ),
        (
            {
                "channels": PAIR,
                "indicator": "none",
                "calibration": {},
                "bleed_through": {"acceptor": 0.3},
            },
            "there is no acceptor channel",
        ),
        (
            {"channels": {"signal": 0}, "segment": {"regions": ["cell", "ring"]}},
            "ring need a nuclear stain",
        ),
        (
            {
                "channels": {"signal": 0},
                "phases": [{"name": "x", "role": "ignore", "start_s": 999}],
            },
            "no frame lies there",
        ),
    ],
)
def test_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        make_plan(experiment_of(changes), TWO)


def test_pixel_size_and_interval_are_needed() -> None:
    with pytest.raises(ExperimentError, match=r"movie\.pixel_size_um"):
        make_plan(
            experiment_of(), Movie(np.zeros((50, 1, 8, 8)), ("a",), time_s=np.arange(50) * 5.0)
        )
    with pytest.raises(ExperimentError, match=r"movie\.frame_interval_s"):
        make_plan(experiment_of(), Movie(np.zeros((50, 1, 8, 8)), ("a",), pixel_size_um=1.0))


def test_a_change_of_exposure_is_refused() -> None:
    exposure = np.full((50, 1), 0.1)
    movie = dish()
    steady = Movie(movie.data, movie.channels, 1.0, movie.time_s, exposure_s=exposure * (1 + 1e-4))
    make_plan(experiment_of(), steady)
    exposure[30:] = 0.2
    with pytest.raises(ReaderError, match=r"'dye' changes from 0\.1 s to 0\.2 s at frame 30"):
        make_plan(
            experiment_of(),
            Movie(movie.data, movie.channels, 1.0, movie.time_s, exposure_s=exposure),
        )


@pytest.mark.parametrize(
    ("key", "section"),
    [
        ("camera.dark", {"camera": {"dark": "PATH"}}),
        ("flat_field.image", {"flat_field": {"method": "image", "image": "PATH"}}),
    ],
)
def test_images_must_fit_the_movie(
    tmp_path: Path, key: str, section: dict[str, dict[str, str]]
) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.ones((8, 9), np.uint16))
    (keys,) = section.values()
    changes = {
        name: {k: str(path) if v == "PATH" else v for k, v in keys.items()} for name in section
    }
    with pytest.raises(ExperimentError, match=rf"{key}: expected an image of {SIZE} × {SIZE}"):
        make_plan(experiment_of(changes), dish())
