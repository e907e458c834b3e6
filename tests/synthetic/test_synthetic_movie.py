from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from skimage.measure import label, regionprops_table
from skimage.registration import phase_cross_correlation

import zincflux.synthetic
from zincflux.phases import check_inside
from zincflux.synthetic import Simulation, simulate

PERFECT = {
    "psf_um": 0,
    "haze_fraction": 0,
    "drift_um": 0,
    "defocus_frames": 0,
    "debris": 0,
    "background_unevenness": 0,
}
SMALL = {"n_cells": 12, "n_frames": 20, "shape_px": (140, 150)}
MOVING = {
    "moving": True,
    "kind": "fret",
    "n_cells": 12,
    "n_frames": 40,
    "shape_px": (140, 150),
    "division_rate_per_h": 1.5,
    "speed_um_per_min": 1.0,
}


@pytest.fixture(scope="module")
def still():
    return simulate(Simulation(**SMALL, seed=4))


@pytest.fixture(scope="module")
def wandering():
    return simulate(Simulation(**MOVING, seed=4))


def test_the_module_uses_nothing_of_the_analysis():
    allowed = {"errors", "settings", "movie", "phases", "synthetic"}
    for file in Path(zincflux.synthetic.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        ours = {n.split(".")[1] for n in names if n and n.startswith("zincflux.")}
        assert ours <= allowed, file.name


def test_shapes_names_and_units(still):
    movie = still.movie
    assert movie.data.shape == (20, 1, 140, 150)
    assert movie.frame(3).dtype == movie.data.dtype == np.uint16
    assert movie.channels == ("FluoZin-3",)
    assert movie.time_s.tolist() == [5.0 * t for t in range(20)]
    assert movie.saturation_level == 65535
    assert (still.labels(0).dtype, still.labels(0).shape) == (np.int32, (140, 150))
    check_inside(still.phases, movie.time_s)


@pytest.mark.parametrize("settings", [SMALL, MOVING])
def test_any_order_gives_the_same_bytes(settings):
    one, two = simulate(Simulation(**settings)), simulate(Simulation(**settings))
    forward = [one.movie.data[t].tobytes() for t in (0, 7, 12)]
    backward = [two.movie.data[t].tobytes() for t in (12, 7, 0)]
    assert forward == backward[::-1]
    assert len(set(forward)) == 3
    assert (one.labels(7) == two.labels(7)).all()
    assert one.truth.equals(two.truth)
    assert one.cells.equals(two.cells)


def test_another_seed_gives_another_movie(still):
    other = simulate(Simulation(**SMALL, seed=5))
    assert (other.movie.data[0] != still.movie.data[0]).mean() > 0.5


def test_the_optics_do_not_change_the_cells(still):
    sharp = simulate(Simulation(**SMALL, **PERFECT, seed=4))
    assert (sharp.labels(0) == still.labels(0)).all()
    assert (sharp.cells["rest_zinc_nM"] == still.cells["rest_zinc_nM"]).all()


def test_frames_are_counted_from_both_ends(still):
    data = still.movie.data
    assert (data[-1] == data[19]).all()
    assert len(data) == 20
    with pytest.raises(IndexError, match="expected a frame from 0 to 19, found 20"):
        data[20]


@pytest.mark.parametrize("kind", ["intensity", "fret"])
def test_brightness_follows_the_forward_equation(kind):
    rates = (0.0,) if kind == "intensity" else (0.0, 0.0)
    made = simulate(
        Simulation(
            **SMALL, **PERFECT, kind=kind, bleach_rate_per_s=rates, autofluorescence_e=7, seed=1
        )
    )
    settings, cells = made.settings, made.cells.set_index("cell_id")
    for frame in (0, 9, 19):
        labels, raw = made.labels(frame), made.movie.data[frame].astype(float)
        table = made.truth[made.truth["frame"] == frame].set_index("cell_id")
        edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        whole = table.index.difference(edges)
        unit = settings.electrons_per_unit * cells["dye_load"].loc[whole].to_numpy()
        zinc = table["zinc_nM"].loc[whole].to_numpy()
        bound = 1 / (1 + settings.k_nM / zinc)
        means = [
            np.array([raw[c][labels == i].mean() for i in whole]) - settings.offset
            for c in range(raw.shape[0])
        ]
        light = [m * settings.gain_e - settings.background_e - 7 for m in means]
        expected = 1 + (settings.dynamic_range - 1) * bound
        if kind == "intensity":
            np.testing.assert_allclose(light[0], unit * expected, rtol=0.02)
        else:
            ratio = settings.ratio_minimum * expected
            np.testing.assert_allclose(light[1] / light[0], ratio, rtol=0.02)
            np.testing.assert_allclose(table["signal"].loc[whole], ratio, rtol=1e-9)


def test_frames_scatter_around_the_expected_electrons(still):
    settings = still.settings
    expected = still.electrons(3)[0]
    found = (still.movie.data[3][0].astype(float) - settings.offset) * settings.gain_e
    score = (found - expected) / np.sqrt(expected + settings.read_noise_e**2)
    assert abs(score.mean()) < 0.03
    assert score.std() == pytest.approx(1, abs=0.02)


def test_truth_agrees_with_the_labels(still, wandering):
    for made in (still, wandering):
        pixel = made.settings.pixel_size_um
        for frame in (0, 11):
            props = regionprops_table(made.labels(frame), properties=("label", "area", "centroid"))
            rows = made.truth[made.truth["frame"] == frame]
            np.testing.assert_array_equal(rows["cell_id"], props["label"])
            np.testing.assert_allclose(rows["area_um2"], props["area"] * pixel**2)
            np.testing.assert_allclose(rows["y_um"], props["centroid-0"] * pixel)
            np.testing.assert_allclose(rows["x_um"], props["centroid-1"] * pixel)


def test_ids_are_consecutive_and_every_cell_is_seen(still, wandering):
    for made in (still, wandering):
        ids = made.cells["cell_id"].tolist()
        assert ids == list(range(1, len(ids) + 1))
        assert sorted(made.truth["cell_id"].unique()) == ids


def test_cells_are_of_the_stated_size_and_in_one_piece():
    made = simulate(Simulation(n_cells=40, edge_cells=False, crowding=0.7, n_frames=1))
    labels = made.labels(0)
    whole = made.truth["area_um2"]
    assert np.median(2 * np.sqrt(whole / np.pi)) == pytest.approx(15, rel=0.12)
    assert label(labels, connectivity=1).max() == labels.max() == 40


def test_drift_moves_content_and_labels():
    made = simulate(
        Simulation(
            **{**SMALL, "n_cells": 10},
            edge_cells=False,
            debris=0,
            drift_um=6,
            background_e=1,
            phase_shares=(1, 0, 0, 0),
            electrons_per_unit=500,
            seed=2,
        )
    )
    frame = int(np.hypot(*made.drift_px.T).argmax())
    images = [made.movie.data[t][0].astype(float) for t in (0, frame)]
    back = phase_cross_correlation(*images, upsample_factor=20, normalization=None)[0]
    np.testing.assert_allclose(-back, made.drift_px[frame], atol=0.1)
    truth = made.truth.set_index(["frame", "cell_id"])[["y_um", "x_um"]]
    inner = truth.loc[0].query("15 < y_um < 76 and 15 < x_um < 82").index
    moved = (truth.loc[frame] - truth.loc[0]).loc[inner] / 0.65
    np.testing.assert_allclose(moved, np.tile(np.rint(made.drift_px[frame]), (len(inner), 1)))


def test_bleaching_differs_between_channels():
    made = simulate(
        Simulation(
            **{**SMALL, **PERFECT, "background_e": 0, "phase_shares": (1, 0, 0, 0)},
            kind="fret",
            bleach_rate_per_s=(1e-3, 3e-3),
        )
    )
    first, last = (made.electrons(t).sum(axis=(1, 2)) for t in (0, 19))
    np.testing.assert_allclose(last / first, np.exp([-0.095, -0.285]), rtol=1e-4)


def test_haze_and_blur_keep_the_light():
    still = {**SMALL, **PERFECT, "background_e": 0, "edge_cells": False, "n_cells": 6}
    plain = simulate(Simulation(**still)).electrons(0)
    hazy = simulate(Simulation(**{**still, "haze_fraction": 0.3, "psf_um": 1})).electrons(0)
    assert hazy.sum() == pytest.approx(plain.sum(), rel=0.1)
    empty = simulate(Simulation(**still)).labels(0) == 0
    assert plain[0][empty].max() == 0
    assert np.median(hazy[0][empty]) > 1


def test_background_can_follow_the_dye():
    base = {**SMALL, **PERFECT, "seed": 3}
    steady, following = (
        simulate(Simulation(**base, background_follows_dye=follow)) for follow in (0, 1)
    )
    empty = steady.labels(0) == 0

    def rise(made):
        return made.electrons(19)[0][empty].mean() / made.electrons(0)[0][empty].mean()

    assert rise(steady) == pytest.approx(1)
    assert rise(following) > 4


def test_defocus_blurs_the_frame_of_an_addition():
    made = simulate(Simulation(**{**SMALL, "n_frames": 40}, debris=0))
    second = round(made.phases[1].start_s / 5)

    def sharpness(t):
        image = made.electrons(t)[0]
        return np.abs(np.diff(image, axis=0)).max() / np.ptp(image)

    assert sharpness(second) < 0.7 * sharpness(second - 1)


def test_dying_cells_fade_and_are_marked():
    made = simulate(Simulation(**{**SMALL, **PERFECT}, dying_fraction=0.4, death_time_s=15, seed=1))
    dying = made.cells[made.cells["death_s"].notna()]
    assert 0 < len(dying) < 12
    rows = made.truth.set_index(["cell_id", "frame"])
    for cell in dying.itertuples():
        assert rows.loc[(cell.cell_id, 0), "alive"]
        assert not rows.loc[(cell.cell_id, 19), "alive"]
        assert rows.loc[(cell.cell_id, 19), "area_um2"] < rows.loc[(cell.cell_id, 0), "area_um2"]


def test_lineage(wandering):
    cells = wandering.cells.set_index("cell_id")
    daughters = cells[cells["parent_id"] > 0]
    assert len(daughters) > 3
    for cell in daughters.itertuples():
        mother = cells.loc[cell.parent_id]
        assert cell.first_frame > mother["last_frame"]
        assert cell.rest_zinc_nM == mother["rest_zinc_nM"]
        assert cell.dye_load == mother["dye_load"]
    assert (cells["first_frame"] <= cells["last_frame"]).all()


def test_cells_enter_and_leave(wandering):
    cells = wandering.cells
    founders = cells[cells["parent_id"] == 0]
    assert (founders["first_frame"] > 0).any()
    seen = wandering.truth.groupby("frame")["cell_id"].nunique()
    assert (seen > 3).all()


def test_wandering_cells_do_not_overlap_much(wandering):
    full = np.pi / 4 * wandering.settings.cell_diameter_um**2
    area = wandering.truth.query("20 < y_um < 71 and 20 < x_um < 77")["area_um2"]
    assert np.median(area) > 0.55 * full


@pytest.mark.parametrize("moving", [False, True])
def test_an_empty_field_shows_only_background(moving):
    made = simulate(
        Simulation(
            n_cells=0, n_frames=3, shape_px=(40, 50), moving=moving, background_follows_dye=1
        )
    )
    assert not made.labels(2).any()
    assert made.movie.data[1].shape == (1, 40, 50)
    assert (len(made.truth), len(made.cells)) == (0, 0)
    assert {"cell_id", "zinc_nM", "alive"} <= set(made.truth.columns)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (24, 24)])
def test_one_tiny_frame(shape):
    made = simulate(Simulation(n_cells=1, n_frames=1, shape_px=shape))
    assert made.movie.data[0].shape == (1, *shape)
    assert len(made.truth) == 1
    assert np.isnan(made.cells["onset_s"][0])
    assert [phase.role for phase in made.phases] == ["baseline"]


def test_experiment_of_a_dye(still):
    plain = still.experiment
    assert plain["channels"] == {"signal": "FluoZin-3"}
    assert plain["track"]["mode"] == "static"
    assert plain["calibration"] == {
        "source": "in-situ", "scope": "per-cell", "k_nM": 15.0, "hill": 1.0,
    }  # fmt: skip
    assert plain["phases"][0]["role"] == "baseline"
    assert plain["bleaching"]["phases"] == ["rest"]
    assert plain["drift"]["method"] == "phase-correlation"


def test_experiment_of_a_sensor_that_moves(wandering):
    plain = wandering.experiment
    assert plain["channels"] == {"numerator": "FRET", "denominator": "CFP"}
    assert (plain["indicator"], plain["track"]["mode"]) == ("ZapCY2", "follow")
    assert plain["calibration"]["scope"] == "pooled"
    assert plain["calibration"]["k_includes_beta"] is True
    assert plain["calibration"]["beta"] == wandering.settings.beta


def test_experiment_names_only_what_there_is():
    made = simulate(Simulation(**SMALL, drift_um=0, phase_shares=(1, 1, 0, 0)))
    assert made.experiment["calibration"] == {"source": "none"}
    assert "drift" not in made.experiment
