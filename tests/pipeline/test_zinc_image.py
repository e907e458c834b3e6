"""Free zinc pixel by pixel: the cell's own number where its pixels are alike, and its truth."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from dishes import INTERVAL_S, SIZE, discs, dish, experiment_of, levels, movie_of
from hypothesis import given, settings
from hypothesis import strategies as st

import zincflux
from zincflux.columns import FLAGS
from zincflux.errors import ExperimentError, ResultsError
from zincflux.experiment import Experiment
from zincflux.pipeline import analyze, iter_zinc_images, zinc_images
from zincflux.pipeline.dye import bright_frames
from zincflux.pipeline.pixel_rows import REASONS, code_of

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")

TOLD = code_of("")
RATIO_PHASES = [
    {"name": "zinc", "role": "response", "start_s": 0},
    {"name": "TPEN", "role": "minimum", "start_s": 40},
    {"name": "Zn", "role": "maximum", "start_s": 80},
]
LOADS = (1.0, 0.5, 2.0, 1.5)


def drawn(path, labels):
    """Experiment whose cells are just these, so that no pixel beside them is one."""
    tifffile.imwrite(path, labels.astype(np.int32))
    return {"segment": {"method": "labels", "labels": str(path), "diameter_um": 16.0}}


@pytest.fixture(scope="module")
def cells_only(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("labels") / "labels.tif", discs([1, 2, 3, 4]))


@pytest.fixture(scope="module")
def flat_cells(cells_only):
    """Cells of pixels that are all alike, without noise."""
    return analyze(experiment_of(cells_only), movie=dish(noise=0, dtype=float), keep=True, jobs=1)


@pytest.fixture(scope="module")
def noisy():
    drift = {"drift": {"method": "phase-correlation"}}
    shifts = [(t // 12, -(t // 8)) for t in range(50)]
    return analyze(experiment_of(drift), movie=dish(shifts=shifts, noise=9.0), keep=True, jobs=1)


def assert_cells_are_uniform(analysis, images, frames):
    """Every pixel shows what the table says of its cell in this frame."""
    for t in frames:
        image, labels = images[t], images.labels_at(t)
        rows = analysis.traces[analysis.traces["frame"] == t]
        for row in rows.itertuples():
            of_cell = labels == row.cell_id
            assert of_cell.any()
            zinc = row.zinc_nM if row.flag == "" else np.nan
            np.testing.assert_allclose(image.zinc_nM[of_cell], zinc, rtol=1e-9)
            assert set(image.reason[of_cell]) == {code_of(row.flag)}
        assert np.isnan(image.zinc_nM[labels == 0]).all()
        assert not image.reason[labels == 0].any()


def test_every_flag_of_a_cell_can_stand_in_an_image():
    assert set(REASONS) == {"", *FLAGS}
    assert sorted(map(code_of, REASONS)) == list(range(1, len(REASONS) + 1))


@settings(max_examples=8, deadline=None)
@given(
    zinc=st.lists(st.floats(105, 1095), min_size=4, max_size=4),
    average_um=st.floats(0, 30),
    divide=st.booleans(),
)
def test_a_cell_of_equal_pixels_shows_its_trace(cells_only, zinc, average_um, divide):
    """Four cells, each with its own load, minimum, maximum and zinc in the response."""
    frames = []
    for level in levels(50):
        shown = zinc if level == 600.0 else [level] * 4
        frames.append(discs([load * value for load, value in zip(LOADS, shown, strict=True)]))
    movie = movie_of(np.stack(frames)[:, None] + 100.0)
    analysis = analyze(experiment_of(cells_only), movie=movie, keep=True, jobs=1)
    images = zinc_images(analysis, average_um=average_um, divide_dye=divide)
    assert (images.dye is not None) == divide
    assert_cells_are_uniform(analysis, images, (0, 5, 12, 20))
    expected = 15.0 * (np.array(zinc) - 100) / (1100 - np.array(zinc))
    found = [np.nanmedian(images[15].zinc_nM[images.labels_at(15) == c]) for c in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_beyond_the_range_there_is_no_number(cells_only):
    trace = levels(50)
    trace[20], trace[21] = 60.0, 1300.0
    movie = dish(trace, noise=0, dtype=float)
    analysis = analyze(experiment_of(cells_only), movie=movie, keep=True, jobs=1)
    images = zinc_images(analysis)
    for t, reason in ((20, "below_min"), (21, "above_max")):
        inside = images.labels_at(t) > 0
        assert np.isnan(images[t].zinc_nM).all()
        assert set(images[t].reason[inside]) == {code_of(reason)}


@pytest.mark.parametrize("method", ["percentile", "ring"])
def test_the_mean_of_corrected_pixels_is_the_corrected_cell(method, tmp_path):
    """Background, flat field, drift and bleaching: pixel by pixel what is done to the cell."""
    field = np.linspace(0.7, 1.3, SIZE * SIZE).reshape(SIZE, SIZE)
    tifffile.imwrite(tmp_path / "flat.tif", field.astype(np.float32))
    fade = np.exp(-1e-3 * np.arange(50) * INTERVAL_S)
    shifts = [(t // 12, -(t // 8)) for t in range(50)]
    movie = dish(levels() * fade, shifts=shifts, noise=3.0, dtype=float)
    changes = {
        "drift": {"method": "phase-correlation"},
        "flat_field": {"method": "image", "image": str(tmp_path / "flat.tif")},
        "background": {"method": method, "autofluorescence": 4.0},
        "bleaching": {"method": "exponential", "phases": ["rest", "TPEN", "Zn"]},
    }
    analysis = analyze(experiment_of(changes), movie=movie, keep=True, jobs=1)
    images = zinc_images(analysis, average_um=0)
    for t in (0, 17, 49):
        pixels = images.source.pixels(t)
        labels = images.labels_at(t).ravel()[pixels.place]
        rows = analysis.traces[analysis.traces["frame"] == t].set_index("cell_id")
        for cell in rows.index:
            np.testing.assert_allclose(
                pixels.own[0][labels == cell].mean(), rows.loc[cell, "dye_corrected"], rtol=1e-9
            )


def ratio_movie(noise=0.0, bleed=0.4):
    ratio = np.repeat([2.0, 1.0, 4.0], 8)
    donor = np.stack([discs([400.0, 200.0, 800.0, 600.0]) for _ in ratio])
    fret = donor * ratio[:, None, None] + bleed * donor
    data = np.stack([donor, fret], axis=1) + 100.0
    return movie_of(
        data + noise * np.random.default_rng(0).standard_normal(data.shape), ("CFP", "FRET")
    )


RATIO = {
    "indicator": "ZapCY2",
    "calibration": {"k_nM": 0.8, "k_includes_beta": True, "beta": 1.4},
    "phases": RATIO_PHASES,
    "channels": {"numerator": "FRET", "denominator": "CFP"},
    "bleed_through": {"donor": 0.4},
}


def test_ratios_are_taken_of_averages_without_bleed_through(cells_only):
    experiment = experiment_of({**RATIO, **cells_only})
    analysis = analyze(experiment, movie=ratio_movie(), keep=True, jobs=1)
    images = zinc_images(analysis, average_um=5.0)
    assert images.dye is None
    assert_cells_are_uniform(analysis, images, (0, 3, 7))
    inside = images.labels_at(2) > 0
    np.testing.assert_allclose(images[2].zinc_nM[inside], 0.8 * (2 - 1) / (4 - 2), rtol=1e-6)


def test_a_dim_denominator_has_no_zinc(cells_only):
    movie = ratio_movie(noise=2.0)
    data = np.asarray(movie.data).copy()
    data[2, 0, :, :20] = 100.0
    experiment = experiment_of({**RATIO, **cells_only})
    analysis = analyze(experiment, movie=movie_of(data, ("CFP", "FRET")), keep=True, jobs=1)
    images = zinc_images(analysis, average_um=0)
    dim = (images.labels_at(2) > 0) & (np.arange(SIZE) < 20)
    assert set(images[2].reason[dim]) == {code_of("dim_denominator")}
    assert (images[2].reason[(images.labels_at(2) > 0) & ~dim] == TOLD).mean() > 0.95


def test_neighbours_are_never_mixed(tmp_path):
    labels = np.zeros((SIZE, SIZE))
    labels[30:50, 20:40], labels[30:50, 40:60] = 1, 2
    trace = levels(50)
    data = np.zeros((50, 1, SIZE, SIZE))
    data[:, 0] = trace[:, None, None] * (labels == 1) + 100
    data[:, 0] += np.where(trace == 600, 350, trace)[:, None, None] * (labels == 2)
    experiment = experiment_of(drawn(tmp_path / "two.tif", labels))
    analysis = analyze(experiment, movie=movie_of(data), keep=True, jobs=1)
    images = zinc_images(analysis, average_um=12.0)
    assert_cells_are_uniform(analysis, images, (12,))
    assert images[12].zinc_nM[40, 39] == pytest.approx(15.0, rel=1e-6)
    assert images[12].zinc_nM[40, 40] == pytest.approx(5.0, rel=1e-6)


def test_averaging_makes_pixels_less_noisy_but_no_cell_wider(noisy):
    spreads = []
    for average_um in (0.0, 3.0, 6.0):
        images = zinc_images(noisy, average_um=average_um)
        image = images[15]
        assert ((image.reason > 0) == (images.labels_at(15) > 0)).all()
        spreads.append(np.nanstd(np.log(image.zinc_nM)))
    assert spreads[0] > 2 * spreads[1] > 2.5 * spreads[2]


def test_dye_that_lies_unevenly_is_divided_out(cells_only):
    """A bright nucleus is no zinc: without the distribution of the dye it would look like it."""
    y, x = np.mgrid[:SIZE, :SIZE]
    texture = 1 + 0.5 * np.sin(x / 2.0) * np.cos(y / 3.0)
    data = (np.asarray(dish(noise=0, dtype=float).data) - 100) * texture + 100
    analysis = analyze(experiment_of(cells_only), movie=movie_of(data), keep=True, jobs=1)
    with_dye, without = (
        zinc_images(analysis, average_um=0),
        zinc_images(analysis, average_um=0, divide_dye=False),
    )
    inside = with_dye.labels_at(12) > 0
    np.testing.assert_allclose(with_dye[12].zinc_nM[inside], 15.0, rtol=1e-6)
    assert np.nanstd(without[12].zinc_nM[inside]) > 5
    for cell in (1, 2, 3, 4):
        own = with_dye.labels_at(0) == cell
        expected = texture[own] / texture[own].mean()
        np.testing.assert_allclose(with_dye.dye[own], expected, rtol=1e-6)


def test_the_distribution_of_the_dye_follows_the_drift(cells_only):
    y, x = np.mgrid[:SIZE, :SIZE]
    texture = 1 + 0.5 * np.sin(x / 2.0) * np.cos(y / 3.0)
    trace, noise = levels(), np.random.default_rng(0).standard_normal((50, SIZE, SIZE))
    shifts = [(t // 12, -(t // 8)) for t in range(50)]
    data = [
        np.roll(texture * discs([load * level for load in LOADS]), shift, (0, 1))
        for level, shift in zip(trace, shifts, strict=True)
    ]
    movie = movie_of((np.stack(data) + noise + 100.0)[:, None])
    experiment = experiment_of({**cells_only, "drift": {"method": "phase-correlation"}})
    analysis = analyze(experiment, movie=movie, keep=True, jobs=1)
    images = zinc_images(analysis, average_um=0)
    assert np.abs(images.source.shifts_px[14]).sum() > 1
    zinc = images[14].zinc_nM[images.labels_at(14) > 0]
    assert np.nanmedian(zinc) == pytest.approx(15.0, rel=0.02)
    assert np.nanstd(zinc) < 1.0


def test_what_turns_off_takes_the_dye_from_the_phase_without_zinc(flat_cells):
    source = zinc_images(flat_cells).source
    assert set(bright_frames(source)) <= set(range(40, 50))
    rows = replace(source.rows, minimum=source.rows.maximum, maximum=source.rows.minimum)
    assert set(bright_frames(replace(source, rows=rows))) <= set(range(25, 40))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["followed", "no ends"])
def test_without_a_known_distribution_the_light_is_taken_as_it_is(kind, cells_only):
    changes = {"track": {"mode": "follow", "divisions": False}}
    if kind == "no ends":
        phases = [{"name": "rest", "role": "baseline", "start_s": 0}]
        changes = {
            "phases": phases,
            "calibration": {
                "source": "constants",
                "k_nM": 15.0,
                "minimum": 50.0,
                "maximum": 4000.0,
            },
            **cells_only,
        }
    analysis = analyze(experiment_of(changes), movie=dish(noise=0, dtype=float), keep=True, jobs=1)
    images = zinc_images(analysis)
    assert images.dye is None
    assert np.isfinite(images[12].zinc_nM).any()


def test_a_pixel_at_the_limit_has_no_number_and_spoils_its_neighbours(cells_only):
    data = np.asarray(dish(noise=0, dtype=float).data).copy()
    data[12, 0, 20, 20] = 2400.0
    experiment = experiment_of({**cells_only, "camera": {"saturation_level": 2400}})
    analysis = analyze(experiment, movie=movie_of(data), keep=True, jobs=1)
    reason = zinc_images(analysis, average_um=4.0)[12].reason
    assert (reason == code_of("saturated_pixels")).sum() == 13
    assert reason[20, 20] == code_of("saturated_pixels")
    assert reason[20, 23] == TOLD


def test_pixels_that_are_no_numbers_are_left_out(cells_only):
    data = np.asarray(dish(noise=0, dtype=float).data).copy()
    data[12, 0, 20, 20] = np.nan
    analysis = analyze(experiment_of(cells_only), movie=movie_of(data), keep=True, jobs=1)
    assert zinc_images(analysis, average_um=0)[12].reason[20, 20] == code_of("lost")
    assert zinc_images(analysis, average_um=3)[12].zinc_nM[20, 20] == pytest.approx(15.0, rel=1e-6)


def test_cells_without_a_number_have_none_in_any_pixel(flat_cells):
    for flag in ("off_edge", "defocused", "lost", "no_calibration"):
        here = (flat_cells.traces["frame"] == 12) & (flat_cells.traces["cell_id"] == 2)
        changed = flat_cells.traces.assign(flag=np.where(here, flag, flat_cells.traces["flag"]))
        images = zinc_images(replace(flat_cells, traces=changed))
        inside = images.labels_at(12) == 2
        assert set(images[12].reason[inside]) == {code_of(flag)}
        assert np.isnan(images[12].zinc_nM[inside]).all()


def test_a_label_that_no_table_knows_has_no_number(flat_cells):
    without = flat_cells.traces[flat_cells.traces["cell_id"] != 4]
    images = zinc_images(replace(flat_cells, traces=without))
    assert set(images[12].reason[images.labels_at(12) == 4]) == {code_of("lost")}


def test_images_are_counted_like_any_sequence(flat_cells):
    images = zinc_images(flat_cells)
    np.testing.assert_array_equal(images[-1].reason, images[49].reason)
    with pytest.raises(IndexError):
        images[50]


def test_of_several_regions_the_whole_cell_counts():
    dye = np.asarray(dish(noise=0, dtype=float).data)[:, 0]
    stain = np.stack([discs([300] * 4)] * len(dye))
    movie = movie_of(np.stack([dye, stain], axis=1), ("dye", "DNA"))
    changes = {
        "channels": {"signal": "dye", "nucleus": "DNA"},
        "segment": {"diameter_um": 16.0, "regions": ["nucleus", "cell"]},
    }
    analysis = analyze(experiment_of(changes), movie=movie, keep=True, jobs=1)
    traces = analysis.traces
    whole = traces[traces["region"] == "cell"].drop(columns="region")
    images = zinc_images(analysis)
    np.testing.assert_array_equal(
        images.source.rows.cell_id, whole.sort_values("frame", kind="stable")["cell_id"]
    )
    only = replace(
        analysis,
        traces=traces[traces["region"] == "nucleus"],
        cells=analysis.cells[analysis.cells["region"] == "nucleus"],
    )
    assert len(zinc_images(only).source.rows.cell_id) > 0


@pytest.mark.slow
@pytest.mark.parametrize("flat_field", [{}, {"method": "estimate"}])
def test_stored_results_give_the_same_images(tmp_path, flat_field):
    from runs import make_dish, run_quietly

    file = make_dish(tmp_path)
    changes = [f"flat_field.{key}={value}" for key, value in flat_field.items()]
    results = zincflux.read_results(run_quietly(file, tmp_path / "out", assignments=changes).out)
    analysis = analyze(results.experiment, keep=True, jobs=1)
    one, other = zinc_images(results), zinc_images(analysis)
    assert len(one) == len(other) == 40
    for t in (0, 12):
        np.testing.assert_allclose(one[t].zinc_nM, other[t].zinc_nM, rtol=1e-9)
        np.testing.assert_array_equal(one[t].reason, other[t].reason)


@pytest.mark.slow
@pytest.mark.parametrize(
    # A FRET movie is calibrated with ends that are pooled over its 14 cells: all share their error.
    ("kind", "offset", "spread"),
    [("intensity", 0.1, 0.25), ("fret", 0.3, 0.6)],
)
def test_known_zinc_comes_back(kind, offset, spread):
    """ln of pixel over truth, and over what the table says of the cell: middle and quartiles."""
    made = zincflux.simulate(
        zincflux.Simulation(
            kind=kind, moving=kind == "fret", n_cells=14, n_frames=100, shape_px=(192, 192), seed=11
        )
    )
    experiment = Experiment.parse({**made.experiment, "movie": {"path": "x"}}, where="test")
    analysis = analyze(experiment, movie=made.movie, keep=True, jobs=1)
    images = zinc_images(analysis)
    of_truth, of_cell = [], []
    for t in (12, 35, 50):
        image, own = images[t], images.labels_at(t)
        for logs, labels, table in (
            (of_truth, made.labels(t), made.truth),
            (of_cell, own, analysis.traces),
        ):
            rows = table[table["frame"] == t]
            zinc = np.full(labels.max() + 1, np.nan)
            zinc[rows["cell_id"]] = rows["zinc_nM"]
            told = (image.reason == TOLD) & (labels > 0)
            logs.append(np.log(image.zinc_nM[told] / zinc[labels[told]]))
    error, scatter = np.concatenate(of_truth), np.concatenate(of_cell)
    assert len(error) > 5000
    assert abs(np.nanmedian(error)) < offset
    assert abs(np.nanmedian(scatter)) < 0.05
    assert np.subtract(*np.nanpercentile(error, [75, 25])) < spread
    if kind == "intensity":
        # The light as it is would show nucleus and edge more than zinc.
        raw, even, own = (
            zinc_images(analysis, divide_dye=False)[35],
            images[35],
            images.labels_at(35),
        )
        rows = analysis.traces[analysis.traces["frame"] == 35]
        zinc = np.full(own.max() + 1, np.nan)
        zinc[rows["cell_id"]] = rows["zinc_nM"]
        told = (raw.reason == TOLD) & (even.reason == TOLD)
        widths = [
            np.subtract(*np.nanpercentile(np.log(image.zinc_nM[told] / zinc[own[told]]), [75, 25]))
            for image in (even, raw)
        ]
        assert widths[1] > 2 * widths[0]


def test_progress_is_told_and_work_can_be_stopped(flat_cells):
    steps = iter_zinc_images(flat_cells)
    assert [next(steps).stage for _ in range(4)] == [
        "zinc images",
        *["looking where the dye is"] * 3,
    ]
    steps.close()


@pytest.mark.parametrize("average_um", [-1.0, 101.0, float("nan")])
def test_a_disc_has_a_size(flat_cells, average_um):
    with pytest.raises(ExperimentError, match=r"average_um: expected a diameter from 0 to 100 µm"):
        zinc_images(flat_cells, average_um=average_um)


def test_without_a_calibration_there_is_no_zinc_to_map(flat_cells):
    with pytest.raises(ExperimentError, match=r"expected results with a calibration, found none"):
        zinc_images(replace(flat_cells, calibration=None))


def test_a_table_has_no_pixels(flat_cells):
    with pytest.raises(ResultsError, match=r"expected results of a movie, found those of a table"):
        zinc_images(replace(flat_cells, label_images=()))


def test_another_movie_is_refused(flat_cells):
    other = dish(levels(49), noise=0, dtype=float)
    with pytest.raises(ResultsError, match=r"of the shape \(50, 96, 96\) \(T, Y, X\), found \(49,"):
        zinc_images(replace(flat_cells, kept=None), movie=other)
