"""calibration.toml, and calibrations from given values."""

import tomllib
from dataclasses import asdict

import numpy as np
import pytest

from zincflux.calibrate import (
    Binding,
    Calibration,
    CalibrationSettings,
    Pooled,
    binding_of,
    calibrate,
    constant_calibration,
    file_calibration,
    free_zinc,
    read_calibration,
    resolve_binding,
)
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import load_indicator
from zincflux.phases import Phase

pytestmark = pytest.mark.filterwarnings("ignore:.*is unverified")

ZAPCV2 = load_indicator("ZapCV2")
FLUOZIN = load_indicator("FluoZin-3")
ENDS = Pooled(
    n_cells=12,
    dynamic_range=1.55,
    dynamic_range_se=0.01,
    dynamic_range_spread=0.03,
    minimum=4.13,
    minimum_sd=0.1,
    maximum=6.4015,
    maximum_sd=1 / 3,
    covariance=0.004,
)


def example(indicator=ZAPCV2, pooled=ENDS):
    cells = np.array([[4.1, np.nan, 4.2], [0.1, np.nan, 0.1 / 3]])
    return Calibration(
        indicator=indicator.name,
        kind=indicator.kind,
        binding=Binding(k_nM=7.7, hill=0.31, k_includes_beta=True, k_sd_nM=0.5, source="“Mine” µ"),
        cell_ids=np.array([3, 7, 12]),
        minimum=cells[0],
        minimum_sd=cells[1],
        maximum=cells[0] * 1.5,
        maximum_sd=cells[1] * 2,
        covariance=np.array([0.0, np.nan, 1e-5]),
        reason=np.array(["", "minimum: no plateau; no calibration", ""]),
        pooled=pooled,
        origin='phase "TPEN"',
    )


def stored(tmp_path, calibration):
    path = tmp_path / "calibration.toml"
    path.write_text(calibration.to_toml(), encoding="utf-8")
    return str(path)


def same(a, b):
    assert (a.indicator, a.kind, a.binding, a.origin) == (b.indicator, b.kind, b.binding, b.origin)
    for name in ("cell_ids", "minimum", "minimum_sd", "maximum", "maximum_sd", "covariance"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.reason, b.reason)
    np.testing.assert_array_equal(list(asdict(a.pooled).values()), list(asdict(b.pooled).values()))


class TestFile:
    def test_round_trip_without_loss(self):
        original = example()
        text = original.to_toml()
        same(Calibration.from_toml(text), original)
        assert Calibration.from_toml(text).to_toml() == text

    def test_round_trip_without_cells(self):
        empty = Calibration.uniform(ZAPCV2, example().binding, [], Pooled(), "")
        same(Calibration.from_toml(empty.to_toml()), empty)

    def test_is_readable(self):
        text = example().to_toml()
        data = tomllib.loads(text)
        assert data["binding"]["k_nM"] == 7.7
        assert data["cells"]["id"] == [3, 7, 12]
        assert text.startswith("# Calibration of zincflux: free zinc = k_nM")
        assert "these are the same for all cells" in text

    def test_not_toml(self):
        with pytest.raises(ExperimentError, match=r"c\.toml: expected a TOML file, found"):
            Calibration.from_toml("= 3", where="c.toml")

    def test_misspelt_key(self):
        with pytest.raises(
            ExperimentError, match=r"binding\.hil: unknown key\. Did you mean 'hill'"
        ):
            Calibration.from_toml(example().to_toml().replace("hill = ", "hil = "))

    def test_arrays_of_different_length(self):
        text = example().to_toml().replace("id = [3, 7, 12]", "id = [3, 7]")
        with pytest.raises(ExperimentError, match="expected minimum of 2 cells, found 3"):
            Calibration.from_toml(text)

    def test_properties(self):
        found = example()
        assert found.calibrated.tolist() == [True, False, True]
        np.testing.assert_allclose(found.dynamic_range, [1.5, np.nan, 1.5])
        negative = Calibration(**{**vars(found), "minimum": np.array([-1.0, 0.0, 2.0])})
        np.testing.assert_allclose(negative.dynamic_range, [np.nan, np.nan, 3.15])


class TestSourceFile:
    def test_ratio_with_the_same_optics(self, tmp_path):
        path = stored(tmp_path, example())
        settings = CalibrationSettings(source="file", file=path, same_optics=True)
        found = file_calibration([1, 2], ZAPCV2, settings)
        assert found.binding.k_nM == 7.7
        np.testing.assert_array_equal(found.minimum, [4.13, 4.13])
        np.testing.assert_array_equal(found.covariance, [0.004, 0.004])
        assert "calibration.toml" in found.origin

    def test_ratio_with_other_optics_is_refused(self, tmp_path):
        settings = CalibrationSettings(source="file", file=stored(tmp_path, example()))
        with pytest.raises(CalibrationError, match=r"set calibration\.same_optics = true"):
            file_calibration([1], ZAPCV2, settings)

    @pytest.mark.parametrize("same_optics", [True, False])
    def test_intensity_is_refused(self, tmp_path, same_optics):
        path = stored(tmp_path, example(FLUOZIN))
        settings = CalibrationSettings(source="file", file=path, same_optics=same_optics)
        with pytest.raises(CalibrationError, match=r"cuvette.*do not carry over"):
            file_calibration([1], FLUOZIN, settings)

    def test_file_without_ends(self, tmp_path):
        path = stored(tmp_path, example(pooled=Pooled(n_cells=1)))
        settings = CalibrationSettings(source="file", file=path, same_optics=True)
        with pytest.raises(CalibrationError, match=r"under \[pooled\]; found none"):
            file_calibration([1], ZAPCV2, settings)

    def test_other_indicator(self, tmp_path):
        path = stored(tmp_path, example())
        with pytest.raises(CalibrationError, match="is a calibration of ZapCV2, but the exper"):
            read_calibration(path, FLUOZIN)

    def test_constants_of_the_file_serve_other_sources(self, tmp_path):
        path = stored(tmp_path, example())
        assert binding_of(ZAPCV2, CalibrationSettings(file=path)).k_nM == 7.7
        assert binding_of(ZAPCV2, CalibrationSettings()).k_nM == 5.3

    def test_missing_file(self, tmp_path):
        with pytest.raises(ExperimentError, match=r"none\.toml: no such file\. Check calibration"):
            read_calibration(str(tmp_path / "none.toml"), ZAPCV2)

    def test_unreadable_file(self, tmp_path):
        path = tmp_path / "c.toml"
        path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ExperimentError, match="expected a calibration file, found"):
            read_calibration(str(path), ZAPCV2)

    def test_no_file(self):
        with pytest.raises(CalibrationError, match=r"Set calibration\.file"):
            read_calibration(None, ZAPCV2)


def constants(indicator, **changes):
    settings = CalibrationSettings(
        **{"source": "constants", "minimum": 4.13, "maximum": 6.4015, "maximum_sd": 0.1, **changes}
    )
    return constant_calibration(
        [1, 2, 3], indicator, resolve_binding(indicator, settings), settings
    )


class TestConstants:
    def test_every_cell_has_the_same(self):
        found = constants(ZAPCV2)
        np.testing.assert_array_equal(found.minimum, [4.13] * 3)
        np.testing.assert_array_equal(found.minimum_sd, [0] * 3)
        np.testing.assert_array_equal(found.maximum_sd, [0.1] * 3)
        zinc = free_zinc([4.3, 4.5, 5.5], found).zinc_nM
        np.testing.assert_allclose(zinc, [0.000909, 0.01875, 22.44], rtol=1e-3)

    def test_intensity_is_doubtful(self):
        with pytest.warns(CalibrationWarning, match="wrong where cells differ in dye"):
            constants(FLUOZIN)

    def test_wrong_direction(self):
        with pytest.raises(CalibrationError, match=r"ZapCV2 rises with zinc.*above minimum"):
            constants(ZAPCV2, maximum=2.0)
        ecalwy = load_indicator("eCALWY-4")
        with pytest.raises(CalibrationError, match=r"eCALWY-4 falls with zinc.*below minimum"):
            constants(ecalwy)
        assert constants(ecalwy, maximum=2.0).maximum[0] == 2.0

    @pytest.mark.parametrize("missing", ["minimum", "maximum"])
    def test_both_ends_are_needed(self, missing):
        given = {"minimum": 1.0, "maximum": 2.0}
        settings = CalibrationSettings.model_construct(**{**given, missing: None})
        with pytest.raises(CalibrationError, match="constants need minimum and maximum"):
            constant_calibration([1], ZAPCV2, example().binding, settings)


class TestCalibrate:
    time_s = np.arange(30.0)
    signal = np.where(time_s < 15, 4.0, 6.0)[None, :] + 0.01 * np.sin(time_s * 7)
    phases = (
        Phase(name="TPEN", role="minimum", start_s=0, end_s=15),
        Phase(name="Zn", role="maximum", start_s=15, end_s=30),
    )

    def run(self, indicator=ZAPCV2, phases=phases, **settings):
        return calibrate(
            self.signal,
            np.full_like(self.signal, 0.01),
            self.time_s,
            phases,
            usable=np.ones_like(self.signal, dtype=bool),
            cell_ids=[5],
            indicator=indicator,
            settings=CalibrationSettings(**settings),
        )

    def test_in_situ(self):
        found = self.run()
        np.testing.assert_allclose([found.minimum, found.maximum], [[4], [6]], atol=0.01)
        assert found.cell_ids.tolist() == [5]

    def test_none(self):
        assert self.run(phases=()) is None
        assert self.run(source="none") is None
        assert self.run(indicator=None) is None
        assert self.run(indicator=None, source="none") is None

    def test_constants(self):
        assert self.run(source="constants", minimum=1.0, maximum=2.0).maximum[0] == 2

    def test_file(self, tmp_path):
        path = stored(tmp_path, example())
        assert self.run(source="file", file=path, same_optics=True).minimum[0] == 4.13

    def test_calibration_without_indicator(self):
        with pytest.raises(ExperimentError, match="there is no indicator whose constants"):
            self.run(indicator=None, k_nM=3.0)
