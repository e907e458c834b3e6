"""One HEK cell with Fluo-4 and caged calcium: the nearest public recording to a zinc dye's.

Fluo-4 is brightened by calcium, at one wavelength, as FluoZin-3 is by zinc. In the serial recording
four flashes release calcium; in the single one a flash releases next to none.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from real_experiments import committed

import zincflux
from zincflux import Analysis
from zincflux.errors import MetadataWarning

pytestmark = pytest.mark.realdata

FLASHES = (10, 25, 40, 55)
"""First frames of the files that log a flash."""

SERIAL, SINGLE = "hek_fluo4_serial.toml", "hek_fluo4_single.toml"

CORNER = (slice(0, 20), slice(108, 128))
"""The 20 × 20 pixels that lie farthest from the cell, 12 µm and more."""


@pytest.fixture(scope="module")
def serial(realdata: Path) -> Analysis:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    experiment = committed(SERIAL, realdata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        return zincflux.analyze(experiment)


@pytest.fixture(scope="module")
def pixels(realdata: Path) -> np.ndarray:
    """All frames of the serial recording (T, Y, X)."""
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    paths = sorted((realdata / "hek-fluo4-oif" / "serial_stim_cell3").glob("*.oif"))
    movie = zincflux.open_movie(paths, frame_interval_s=1)
    return np.stack([movie.frame(t)[0] for t in range(movie.n_frames)]).astype(float)


def cell_by_hand(pixels: np.ndarray) -> np.ndarray:
    """Mask of the cell: brighter than half of what its middle is above the corner."""
    mean = pixels.mean(axis=0)
    return mean > (mean[CORNER].mean() + np.median(mean[55:85, 20:90])) / 2


def test_one_cell_in_a_nearly_empty_field(serial: Analysis, pixels: np.ndarray) -> None:
    assert len(serial.cells) == 1
    assert not serial.cells["excluded"].any()
    by_hand, found = cell_by_hand(pixels), serial.labels == 1
    assert (by_hand & found).sum() / (by_hand | found).sum() > 0.9


@pytest.mark.parametrize("diameter_um", [15, 30])
def test_the_cell_does_not_hang_on_its_size(
    realdata: Path, serial: Analysis, diameter_um: float
) -> None:
    experiment = committed(SERIAL, realdata)
    segment = experiment.segment.model_copy(update={"diameter_um": diameter_um})
    with pytest.warns(MetadataWarning):
        other = zincflux.analyze(experiment.model_copy(update={"segment": segment}))
    assert len(other.cells) == 1
    difference = other.traces["f_f0"].to_numpy() / serial.traces["f_f0"].to_numpy() - 1
    assert np.abs(difference).max() < 0.02


def test_f_f0_rises_at_the_four_flashes_only(serial: Analysis) -> None:
    f_f0 = serial.traces["f_f0"].to_numpy()
    steps = np.diff(f_f0)
    # The first frame of a file does not show the flash yet.
    rises = np.flatnonzero(steps > 0.1)
    np.testing.assert_array_equal(rises, FLASHES)
    assert steps[rises].min() > 0.6
    before = f_f0[list(FLASHES)]
    assert np.all(np.diff(before) > 0.2), (
        "each flash starts from a higher level than the one before"
    )
    assert before[0] == pytest.approx(1, abs=0.02)
    # The fall after the last flash never turns.
    assert np.all(np.diff(f_f0[70:].reshape(6, 10).mean(axis=1)) < 0)


def test_f_f0_is_what_a_mask_by_hand_gives(serial: Analysis, pixels: np.ndarray) -> None:
    corner = pixels[:, *CORNER].mean(axis=(1, 2))
    signal = pixels[:, cell_by_hand(pixels)].mean(axis=1) - corner
    by_hand = signal / signal[:10].mean()
    np.testing.assert_allclose(serial.traces["f_f0"], by_hand, rtol=0.015)


def test_background_is_near_the_dark_level(serial: Analysis, pixels: np.ndarray) -> None:
    background = serial.frames["CHS1_background"].to_numpy()
    far = pixels[:, *CORNER]
    # Most pixels of a dark field hold no photon: their commonest count is the detector's own.
    dark = np.bincount(far.astype(int).ravel()).argmax()
    signal = serial.traces["CHS1_corrected"].to_numpy()
    assert np.all(background > dark)
    assert np.all(background - dark < 0.03 * signal.min())
    np.testing.assert_allclose(background.mean(), far.mean(), atol=1)
    # The cell brightens by 800 counts, the background does not follow.
    assert np.ptp(signal) > 750
    assert np.ptp(background) < 4


def test_a_noisy_cell_in_focus_is_not_taken_for_blurred(serial: Analysis) -> None:
    # A few photons per pixel: the score scatters by a fifth from frame to frame.
    assert serial.frames["defocused"].sum() <= 1


def test_a_calcium_dye_has_no_zinc(serial: Analysis) -> None:
    assert serial.calibration is None
    zinc = serial.traces[["zinc_nM", "zinc_low_nM", "zinc_high_nM"]]
    assert zinc.isna().to_numpy().all()
    assert (serial.traces["flag"] == "no_calibration").mean() > 0.98
    assert serial.responses.filter(like="_nM").isna().to_numpy().all()


def test_each_flash_is_a_response(serial: Analysis) -> None:
    responses = serial.responses.set_index("phase")
    assert list(responses.index) == [f"flash {n}" for n in (1, 2, 3, 4)]
    assert responses["responder"].all()
    np.testing.assert_allclose(responses["peak_f_f0"], [1.69, 2.61, 3.33, 3.49], rtol=0.03)
    np.testing.assert_allclose(responses["time_to_peak_s"], 1)
    # The rise is over within a frame, so that the rate is a lower bound: half of the rise per s.
    before = serial.traces["f_f0"].to_numpy()[list(FLASHES)]
    rise = responses["peak_f_f0"] - before
    assert np.all(responses["rate_f_f0_per_s"].between(0.3 * rise, 0.55 * rise))
    assert np.all(responses["decay_rate_per_s"].between(0.05, 0.2))


def test_results_keep_the_doubts_about_the_times(realdata: Path, tmp_path: Path) -> None:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    with pytest.warns(MetadataWarning):
        outcome = zincflux.run(committed(SERIAL, realdata), tmp_path / "out")
    summary = outcome.summary()
    counts = [summary[key] for key in ("n_frames", "n_cells", "n_excluded", "n_with_zinc")]
    assert counts == [130, 1, 0, 0]
    first, second = summary["warnings"]
    assert "1.044 s apart on average" in first
    assert "started at 0.0, 14.7, 35.3, 55.8, 76.3, 97.5 s" in second
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "started at 0.0, 14.7, 35.3, 55.8, 76.3, 97.5 s" in report


def single(realdata: Path, **sections: Any) -> pd.Series:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    analysis = zincflux.analyze(committed(SINGLE, realdata, **sections))
    assert len(analysis.cells) == 1
    return analysis.responses.iloc[0]


def test_a_flash_without_release_is_no_rise(realdata: Path) -> None:
    response = single(realdata)
    # All there is, is a loss: 2.5 % at the flash, and 2 % more in the 100 s after it.
    assert 0.94 < response["peak_f_f0"] < 1
    assert -0.002 < response["rate_f_f0_per_s"] < 0


@pytest.mark.parametrize(
    ("start_s", "middle_s", "end_s", "bleaching"),
    [
        (0, 9, 18, {}),
        (60, 80, 100, {"method": "exponential", "phases": ["rest"]}),
    ],
    ids=["before the flash", "long after it"],
)
def test_a_cell_at_rest_is_no_responder(
    realdata: Path, start_s: float, middle_s: float, end_s: float, bleaching: dict[str, Any]
) -> None:
    phases = [
        {"name": "rest", "role": "baseline", "start_s": start_s, "end_s": middle_s},
        {"name": "nothing", "role": "response", "start_s": middle_s, "end_s": end_s},
    ]
    response = single(realdata, phases=phases, bleaching=bleaching)
    assert not response["responder"]
    assert response["peak_f_f0"] == pytest.approx(1, abs=0.01)
