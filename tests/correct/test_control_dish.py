"""Bleaching and leak of a control dish, carried over to another movie."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.correct.bleaching import BleachFit, Bleaching
from zincflux.correct.control import Control, bleaching_record, record_hashes
from zincflux.errors import CorrectionWarning, ExperimentError

RATE, SE, INTERVAL_S, FRAMES = 2e-3, 1e-4, 5.0, 60
TIME = INTERVAL_S * np.arange(FRAMES)


def fit_of(rate: float = RATE, se: float = SE, *, applied: bool = True) -> BleachFit:
    factor = np.exp(-rate * TIME) if applied else np.ones(FRAMES)
    return BleachFit(rate, se, factor, 0.01, applied=applied, log_sd=0 * TIME)


def store(folder: Path, method: str = "exponential", **fits: BleachFit) -> str:
    """Write what the run of a control leaves behind."""
    fits = fits or {"dye": fit_of()}
    record = bleaching_record(method, fits, TIME)
    (folder / "run.json").write_text(json.dumps({"bleaching": record}), encoding="utf-8")
    frames = {"time_s": TIME + 7.0, **{f"{n}_bleach_factor": f.factor for n, f in fits.items()}}
    pd.DataFrame(frames).to_parquet(folder / "frames.parquet")
    return str(folder)


def control(folder: str, channels=("dye",), **keys) -> Control:
    return Control(Bleaching(method="experiment", experiment=folder, **keys), channels)


def test_the_record_is_plain():
    fit = fit_of(np.nan, np.nan, applied=False)
    record = bleaching_record("reference", {"dye": fit}, TIME)
    assert record["channels"]["dye"]["rate_per_s"] is None
    assert (record["frame_interval_s"], record["duration_s"]) == (5.0, 295.0)
    assert json.loads(json.dumps(record)) == record
    assert bleaching_record("none", {}, np.zeros(1))["frame_interval_s"] is None


@pytest.mark.parametrize("interval_s", [1.0, 5.0, 20.0])
def test_light_bleaches_as_much_per_frame(tmp_path, interval_s):
    fit = control(store(tmp_path)).fit("dye", 3.0 + interval_s * np.arange(100))
    np.testing.assert_allclose(fit.factor, np.exp(-RATE * INTERVAL_S * np.arange(100)))
    assert fit.rate_per_s == pytest.approx(RATE * INTERVAL_S / interval_s)
    relative = np.hypot(SE / RATE, 0.2)
    assert fit.rate_se / fit.rate_per_s == pytest.approx(relative)
    np.testing.assert_allclose(fit.log_sd, -relative * np.log(fit.factor), atol=1e-12)
    assert fit.applied


def test_dye_leaks_as_much_per_second(tmp_path):
    time_s = np.cumsum([2.0, 1.0, 7.0, 30.0])
    borrowed = control(store(tmp_path), scales_with="time", between_dishes_sd=0.0)
    fit = borrowed.fit("dye", time_s)
    np.testing.assert_allclose(fit.factor, np.exp(-RATE * (time_s - 2)))
    np.testing.assert_allclose(fit.log_sd, SE * (time_s - 2))


def test_of_a_single_frame_nothing_is_lost(tmp_path):
    assert control(store(tmp_path)).fit("dye", np.zeros(1)).factor == pytest.approx([1])


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_dishes_that_differ_more_are_less_certain(tmp_path_factory, one, other):
    folder = tmp_path_factory.getbasetemp() / "control"
    folder.mkdir(exist_ok=True)
    store(folder)
    sizes = [
        control(str(folder), between_dishes_sd=sd).fit("dye", TIME).rate_se for sd in (one, other)
    ]
    assert (sizes[0] <= sizes[1]) == (np.hypot(SE, one * RATE) <= np.hypot(SE, other * RATE))


def test_a_curve_is_followed_by_frame_or_by_time(tmp_path):
    curve = np.exp(-RATE * TIME)
    folder = store(tmp_path, "reference", dye=BleachFit(np.nan, np.nan, curve, 0, True, 0 * TIME))
    by_frame = control(folder).fit("dye", 2.0 * np.arange(FRAMES))
    np.testing.assert_allclose(by_frame.factor, curve)
    np.testing.assert_allclose(by_frame.log_sd, 0.2 * RATE * TIME, atol=1e-12)
    by_time = control(folder, scales_with="time").fit("dye", 2.0 * np.arange(FRAMES))
    np.testing.assert_allclose(by_time.factor, np.exp(-RATE * 2.0 * np.arange(FRAMES)), rtol=1e-4)
    assert np.isnan(by_time.rate_per_s)


@pytest.mark.parametrize(
    ("keys", "step", "message"),
    [
        ({}, 1.0, r"\(61 frames\), found 60 frames"),
        ({"scales_with": "time"}, 5.0, r"\(300 s\), found 295 s"),
    ],
)
def test_a_curve_that_is_too_short_is_refused(tmp_path, keys, step, message):
    curve = BleachFit(np.nan, np.nan, np.exp(-RATE * TIME), 0.0, True, 0 * TIME)
    borrowed = control(store(tmp_path, "reference", dye=curve), **keys)
    with pytest.raises(ExperimentError, match=rf"as long as the movie {message}"):
        borrowed.fit("dye", step * np.arange(FRAMES + 1))


def test_an_exponential_may_be_extended(tmp_path):
    fit = control(store(tmp_path)).fit("dye", INTERVAL_S * np.arange(2 * FRAMES))
    assert fit.factor[-1] == pytest.approx(np.exp(-RATE * INTERVAL_S * (2 * FRAMES - 1)))


def test_a_control_that_did_not_bleach_corrects_nothing(tmp_path):
    borrowed = control(store(tmp_path, dye=fit_of(-1e-4, applied=False)))
    with pytest.warns(CorrectionWarning, match="'dye' of the control .* did not bleach"):
        fit = borrowed.fit("dye", TIME)
    assert not fit.applied
    assert (fit.factor == 1).all()
    np.testing.assert_allclose(fit.log_sd, SE * TIME)


def test_a_channel_beside_the_signal_may_be_lacking(tmp_path):
    fit = control(store(tmp_path)).fit("nuclei", TIME)
    assert (fit.factor == 1).all()
    assert not fit.applied
    assert not fit.log_sd.any()


@pytest.mark.parametrize("method", ["none", "experiment"])
def test_a_control_that_measured_nothing_is_refused(tmp_path, method):
    with pytest.raises(ExperimentError, match=rf'found bleaching\.method = "{method}" in .* first'):
        control(store(tmp_path, method))


def test_results_without_a_record_are_refused(tmp_path):
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r'bleaching\.method = "none"'):
        control(str(tmp_path))


def test_a_missing_channel_is_refused(tmp_path):
    with pytest.raises(ExperimentError, match=r"expected the channels 'CFP', found 'dye' in"):
        control(store(tmp_path), ("CFP",))


def test_a_fit_that_was_refused_is_refused_here(tmp_path):
    folder = store(tmp_path, dye=fit_of(np.nan, np.nan, applied=False))
    with pytest.raises(ExperimentError, match="expected the bleaching of 'dye', found none"):
        control(folder)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_folder_without_results_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"bleaching\.experiment: expected a results folder"):
        control(str(tmp_path))


def test_a_refused_fit_beside_the_signal_changes_nothing(tmp_path):
    refused = fit_of(np.nan, np.nan, applied=False)
    fit = control(store(tmp_path, dye=fit_of(), nuclei=refused)).fit("nuclei", TIME)
    assert (fit.factor == 1).all()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (["exponential"], r"run\.json without a record of bleaching"),
        ({"method": "exponential"}, r"an incomplete record of bleaching\. Check the path"),
        ({"method": "exponential", "frame_interval_s": 1, "channels": ["dye"]}, "an incomplete"),
        (
            {"method": "exponential", "frame_interval_s": 1, "channels": {"dye": {}}},
            "an incomplete",
        ),
        ({"method": "exponential", "frame_interval_s": "x", "channels": {}}, "an incomplete"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, record, message):
    (tmp_path / "run.json").write_text(json.dumps({"bleaching": record}), encoding="utf-8")
    with pytest.raises(ExperimentError, match=rf"expected a results folder .*{message}"):
        control(str(tmp_path))


def test_a_curve_that_is_lacking_is_refused(tmp_path):
    folder = store(tmp_path, "reference")
    pd.DataFrame({"time_s": TIME}).to_parquet(tmp_path / "frames.parquet")
    with pytest.raises(ExperimentError, match=r"frames\.parquet without 'dye_bleach_factor'\. "):
        control(folder)


def test_the_hash_follows_all_that_is_borrowed_and_nothing_else(tmp_path):
    settings = Bleaching(method="experiment", experiment=store(tmp_path))
    before = record_hashes(settings)
    path = tmp_path / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({"timings_s": 3, **record}), encoding="utf-8")
    assert record_hashes(settings) == before
    store(tmp_path, dye=fit_of(se=2 * SE))
    assert record_hashes(settings) != before
    assert record_hashes(Bleaching()) == ()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"method": "experiment"}, r"needs bleaching\.experiment"),
        ({"experiment": "x"}, r'bleaching\.experiment is used only with method = "experiment"'),
        ({"scales_with": "time"}, r"bleaching\.scales_with is used only"),
        ({"between_dishes_sd": 0.0}, r"bleaching\.between_dishes_sd is used only"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ExperimentError, match=message):
        Bleaching.parse(keys, where="test")
