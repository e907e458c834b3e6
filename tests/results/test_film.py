"""Films of free zinc, read back by Pillow and PyAV: what is seen is what the tables say."""

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from runs import Shell, finished, names_in
from zincflux.errors import ExperimentError, MetadataWarning, ResultsError
from zincflux.export import Options, export_results, iter_export, write
from zincflux.export.film import NO_MOVIE, _Quantity, times_in_words
from zincflux.export.gif import GifFilm, packed
from zincflux.export.mp4 import Mp4Film
from zincflux.phases import Phase
from zincflux.plot.film import FilmPainter
from zincflux.plot.film_colours import ABOVE, BELOW, FIRST_COLOUR, OUTLINED, codes, palette
from zincflux.plot.film_layout import FilmFacts
from zincflux.plot.film_scale import N_COLOURS, ColourScale, colour_scale
from zincflux.plot.film_text import Lettering
from zincflux.results import read_results

ZOOM, GAP = 4, 6  # 64 px are drawn as 256, 6 px below the phases


@pytest.fixture
def done(tmp_path_factory):
    """Folder of results, to be read only."""
    return finished(tmp_path_factory)[0].parent / "experiment"


@pytest.fixture
def stored(monkeypatch, done):
    """Let what is exported differ from what is stored."""

    def change(**changes):
        results = replace(read_results(done), **changes)
        monkeypatch.setattr(write, "read_results", lambda folder, **_: results)
        return results

    return change


@pytest.fixture
def zf(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)


def make(done, path):
    """Export a film, small enough to be made quickly."""
    return export_results(done, "movie", path, options=Options(scale=ZOOM))


def gif_frames(path):
    """Read the frames of a GIF, (T, Y, X, 3)."""
    film = Image.open(path)
    frames = []
    for t in range(film.n_frames):
        film.seek(t)
        frames.append(np.asarray(film.convert("RGB")))
    return np.stack(frames)


def mp4_frames(path):
    av = pytest.importorskip("av", reason="needs zincflux[film]")
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.colorspace == 1
        assert stream.codec_context.color_range == 1
        planes = [frame.to_ndarray(format="yuv420p") for frame in file.decode(stream)]
        return np.stack([rgb_of(one) for one in planes]), stream.average_rate


def rgb_of(planes):
    """Turn luma and colour differences into colours, as Rec. ITU-R BT.709 says."""
    height = len(planes) * 2 // 3
    luma = (planes[:height] - 16.0) / 219
    quarters = planes[height:].reshape(2, height // 2, -1).repeat(2, axis=1).repeat(2, axis=2)
    blue, red = (quarters - 128.0) / 224
    rgb = np.stack([luma + 1.5748 * red, luma, luma + 1.8556 * blue], axis=2)
    rgb[..., 1] = (luma - 0.2126 * rgb[..., 0] - 0.0722 * rgb[..., 2]) / 0.7152
    return np.clip(255 * rgb, 0, 255)


def find_picture(frames):
    """Give the top left corner of the picture, which stands below the line of the phases."""
    last = frames[-1]
    rest, zinc = (154, 154, 154), (230, 159, 0)
    row = np.flatnonzero((last == zinc).all(axis=2).any(axis=1))
    left = np.flatnonzero((last[row[0]] == rest).all(axis=1))[0]
    return int(row[-1]) + 1 + GAP, int(left)


def cell_pixels(results, cell, frame, place):
    """Give the pixels of a cell in the film, without its edge."""
    mask = results.labels[0] == cell
    inside = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inside &= np.roll(mask, step, axis)
    rows, columns = np.nonzero(np.kron(inside, np.ones((ZOOM, ZOOM), dtype=bool)))
    top, left = place
    return frame[rows + top, columns + left]


def expected_colours(results):
    """Compute the colour of each cell and frame from the tables alone; NaN where it has none."""
    traces, cells = results.traces, results.cells
    out = set(cells.loc[cells["excluded"], "cell_id"])
    used = traces[~traces["cell_id"].isin(out)]
    told = used[used["phase"].isin(["rest", "zinc"])]["zinc_nM"].dropna()
    low, high = np.quantile(told, [0.01, 0.99])
    import matplotlib as mpl

    share = (np.log(used["zinc_nM"].clip(low, high)) - np.log(low)) / np.log(high / low)
    place = np.minimum(np.floor(share * N_COLOURS), N_COLOURS - 1) / (N_COLOURS - 1)
    rgb = np.round(255 * mpl.colormaps["viridis"](place.to_numpy())[:, :3])
    rgb[used["zinc_nM"].isna().to_numpy()] = np.nan
    return {
        (int(c), int(t)): colour
        for c, t, colour in zip(used["cell_id"], used["frame"], rgb, strict=True)
    }


def test_every_cell_has_the_colour_of_its_zinc(done, tmp_path):
    results = read_results(done)
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    assert len(frames) == len(results.frames)
    place = find_picture(frames)
    wanted = expected_colours(results)
    seen = 0
    for t in range(0, len(frames), 3):
        for cell in results.cells["cell_id"]:
            colour = wanted.get((cell, t), np.full(3, np.nan))
            if np.isnan(colour).any():
                continue
            pixels = cell_pixels(results, cell, frames[t], place)
            in_bar = (pixels != 0).any(axis=1) & (np.ptp(pixels.astype(int), axis=1) > 30)
            assert in_bar.mean() > 0.9  # the others are the scale bar
            assert (pixels[in_bar] == colour).all()
            seen += 1
    assert seen > 20


def test_the_bar_shows_the_colours_in_order(done, tmp_path):
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    _, left = find_picture(frames)
    column = frames[0][:, left + 64 * ZOOM + 18]
    bar = column[np.ptp(column.astype(int), axis=1) > 60]
    known = palette()[FIRST_COLOUR : FIRST_COLOUR + N_COLOURS][::-1].tolist()
    places = [known.index(colour) for colour in bar.tolist() if colour in known]
    assert places == sorted(places)
    assert {0, N_COLOURS - 1} <= set(places)
    assert len(set(places)) > 0.8 * N_COLOURS
    assert all((frame[:, left + 64 * ZOOM + 18] == column).all() for frame in frames)


@pytest.mark.slow
def test_mp4_shows_the_same(done, tmp_path):
    pictures = gif_frames(make(done, tmp_path / "a.gif"))
    path = export_results(done, "movie", tmp_path / "a.mp4", options=Options(fps=12.5, scale=ZOOM))
    frames, rate = mp4_frames(path)
    assert rate == Fraction(25, 2)
    assert frames.shape == pictures.shape
    results, place = read_results(done), find_picture(pictures)
    for t in (5, 15):
        for cell in results.cells["cell_id"]:
            one = cell_pixels(results, cell, frames[t], place)
            other = cell_pixels(results, cell, pictures[t], place)
            assert np.abs(np.median(one, 0) - np.median(other, 0)).max() <= 4


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_the_same_bytes(done, tmp_path, ending):
    if ending == "mp4":
        pytest.importorskip("av", reason="needs zincflux[film]")
    options = Options(scale=2)
    paths = [tmp_path / f"{n}.{ending}" for n in "ab"]
    films = [export_results(done, "movie", path, options=options) for path in paths]
    before = films[0].read_bytes()
    assert before == films[1].read_bytes()
    again = export_results(done, "movie", films[0], overwrite=True, options=options)
    assert again.read_bytes() == before
    assert names_in(tmp_path) == {f"a.{ending}", f"b.{ending}"}


@pytest.mark.parametrize(("fps", "whole_ms"), [(None, 40 * 250), (30.0, 40_000 / 30)])
def test_speed_of_a_gif(done, tmp_path, fps, whole_ms):
    film = Image.open(export_results(done, "movie", tmp_path / "a.gif", options=Options(fps=fps)))
    lasts = 0
    for t in range(film.n_frames):
        film.seek(t)
        lasts += film.info["duration"]
    assert film.info["loop"] == 0
    assert lasts == pytest.approx(whole_ms, abs=10)


def test_scale(done, tmp_path):
    small = gif_frames(export_results(done, "movie", tmp_path / "a.gif", options=Options(scale=2)))
    large = gif_frames(
        export_results(done, "movie", tmp_path / "b.gif", options=Options(scale=4.5))
    )
    assert large.shape[2] - small.shape[2] == pytest.approx(160, abs=2)


@pytest.mark.parametrize(
    ("to", "name", "options", "message"),
    [
        (
            "movie",
            "a.gif",
            Options(fps=51),
            r"--fps: expected 0\.1 to 50 .* GIF, found 51",
        ),
        (
            "movie",
            "a.mp4",
            Options(fps=0),
            r"--fps: expected 0\.1 to 120 .* MP4, found 0",
        ),
        (
            "movie",
            "a.gif",
            Options(scale=0.5),
            r"--scale: expected 0\.75 to 128 .* found 0\.5",
        ),
        ("ctc", "a", Options(fps=5), r"--fps has no effect with --to ctc, only with movie\. Leave"),
        ("xlsx", "a.xlsx", Options(scale=5), r"--scale has no effect with --to xlsx, only with mo"),
        ("movie", "a.avi", None, r"a name that ends in \.mp4 or \.gif for movie, found .*a\.avi"),
    ],
)
def test_options(done, tmp_path, to, name, options, message):
    if name.endswith("mp4"):
        pytest.importorskip("av", reason="needs zincflux[film]")
    with pytest.raises(ExperimentError, match=message):
        export_results(done, to, tmp_path / name, options=options)
    assert names_in(tmp_path) == set()


def test_options_of_the_command(zf, done, tmp_path):
    out = tmp_path / "a.gif"
    assert zf("export", done, "--to", "movie", "--out", out, "--fps", 20, "--scale", 1)[0] == 0
    assert Image.open(out).info["duration"] == 50
    status, _, err = zf("export", done, "--to", "csv", "--out", tmp_path / "b", "--fps", 20)
    assert (status, err.count("--fps has no effect")) == (2, 1)


def test_without_av(done, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    message = (
        r'MP4: expected the package av, .* pip install "zincflux\[film\]", or choose .*\.gif\.'
    )
    with pytest.raises(ResultsError, match=message):
        export_results(done, "movie", tmp_path / "a.mp4")
    export_results(done, "movie", tmp_path / "a.gif")


def test_another_film_stays(done, tmp_path):
    mine = tmp_path / "holiday.gif"
    mine.write_bytes(b"GIF89a of the sea")
    with pytest.raises(ExperimentError, match=r"found another file, not a film of zincflux\. C"):
        export_results(done, "movie", mine, overwrite=True)
    assert mine.read_bytes() == b"GIF89a of the sea"


def test_movie_that_is_gone(done, stored, tmp_path):
    experiment = read_results(done).experiment
    movie = experiment.movie.model_copy(update={"path": str(tmp_path / "gone.tif")})
    results = stored(experiment=experiment.model_copy(update={"movie": movie}))
    with pytest.warns(MetadataWarning, match=r"The film shows the cells without the movie\. .*"):
        frames = gif_frames(make(done, tmp_path / "a.gif"))
    cell, t = int(results.cells["cell_id"].iloc[-1]), 10
    height = frames.shape[1] - gif_frames_of(done, tmp_path).shape[1]
    assert height > 0  # a line for the note
    place = find_picture(frames)
    wanted = expected_colours(results)[cell, t]
    assert (np.median(cell_pixels(results, cell, frames[t], place), axis=0) == wanted).all()
    top, left = place
    assert (frames[t][top + 2, left : left + 64 * ZOOM] == 0).all()
    assert "could not be read" in NO_MOVIE


def gif_frames_of(done, tmp_path):
    """Give a film with its movie."""
    results = read_results(done)
    assert results.labels is not None
    from zincflux.export.write import EXPORTS

    path = tmp_path / "with.gif"
    for _ in EXPORTS["movie"].write(results, path, Options(scale=ZOOM)):
        pass
    return gif_frames(path)


def test_another_movie_in_its_place(done, stored, tmp_path):
    results = read_results(done)
    stored(frames=results.frames[:39], traces=results.traces[results.traces["frame"] < 39])
    with pytest.warns(MetadataWarning, match=r"without the movie.*expected the movie that was"):
        make(done, tmp_path / "a.gif")


def test_cells_follow_the_drift(done, stored, tmp_path):
    results = read_results(done)
    drift = np.where(np.arange(40) < 10, 0.0, 20.0)
    stored(frames=results.frames.assign(drift_y_um=drift, drift_x_um=0.0))
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    place, cell = find_picture(frames), 1
    assert (results.labels[0] == cell).any()
    wanted = expected_colours(results)
    top, left = place
    for t, moved in ((9, 0), (12, 20)):
        pixels = cell_pixels(results, cell, frames[t], (top + moved * ZOOM, left))
        assert (np.median(pixels, axis=0) == wanted[cell, t]).all()


def test_cells_that_move(done, stored, tmp_path):
    results = read_results(done)
    images = np.stack([np.roll(results.labels[0], t // 10, axis=1) for t in range(40)])
    stored(labels=images)
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    top, left = find_picture(frames)
    wanted = expected_colours(results)
    pixels = cell_pixels(results, 1, frames[12], (top, left + ZOOM))
    assert (np.median(pixels, axis=0) == wanted[1, 12]).all()


def test_excluded_cells_and_flags_are_no_colour(done, stored, tmp_path):
    results = read_results(done)
    cells = results.cells.assign(excluded=results.cells["cell_id"] == 1)
    traces = results.traces.copy()
    for cell, flag in ((2, "below_min"), (3, "above_max"), (4, "lost")):
        mine = (traces["cell_id"] == cell) & (traces["frame"] == 10)
        traces.loc[mine, ["zinc_nM", "flag"]] = [np.nan, flag]
    stored(cells=cells, traces=traces)
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    frame, place, colours = frames[10], find_picture(frames), palette()
    for cell, code in ((2, BELOW), (3, ABOVE)):
        pixels = cell_pixels(results, cell, frame, place)
        share = (pixels == colours[code]).all(axis=1).mean()
        assert 0.35 < share < 0.65
        assert (pixels == colours[16]).all(axis=1).mean() > 0.3
    for cell in (1, 4):
        pixels = cell_pixels(results, cell, frame, place)
        grey = (pixels == pixels[:, :1]).all(axis=1)
        assert grey.all()


def test_results_without_zinc_show_f_f0(done, stored, tmp_path):
    results = read_results(done)
    stored(traces=results.traces.assign(zinc_nM=np.nan, flag="no_calibration"))
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    place = find_picture(frames)
    before, after = (np.median(cell_pixels(results, 2, frames[t], place), 0) for t in (2, 15))
    assert (before != after).any()


def test_cells_that_are_all_below_the_range_show_f_f0(done, stored, tmp_path):
    stored(traces=read_results(done).traces.assign(zinc_nM=np.nan, flag="below_min"))
    assert _Quantity.of(write.read_results(done)).scale.title == ("F/F0",)
    make(done, tmp_path / "a.gif")


def test_nothing_to_colour(done, stored, tmp_path):
    stored(cells=read_results(done).cells.assign(excluded=True))
    with pytest.raises(ResultsError, match=r"free zinc or F/F0 and are not excluded, found none"):
        export_results(done, "movie", tmp_path / "a.gif")
    assert names_in(tmp_path) == set()


def test_results_of_a_table(done, stored, tmp_path):
    stored(labels=None, labels_file=None)
    with pytest.raises(ResultsError, match=r"results of a movie, found those of a table"):
        export_results(done, "movie", tmp_path / "a.gif")


def test_stopping_leaves_nothing(done, tmp_path):
    steps = iter_export(done, "movie", tmp_path / "a.gif")
    stages = [next(steps) for _ in range(5)]
    assert stages[-1] == ("film", 3, 40)
    steps.close()
    assert names_in(tmp_path) == set()


def test_hostile_names_of_phases(done, stored, tmp_path):
    experiment = read_results(done).experiment
    names = ("=1+1 " + "x" * 60, "\N{SNOWMAN}" * 30, "<b>", "$a$")
    phases = tuple(
        phase.model_copy(update={"name": name})
        for phase, name in zip(experiment.phases, names, strict=True)
    )
    stored(experiment=experiment.model_copy(update={"phases": phases}))
    frames = gif_frames(make(done, tmp_path / "a.gif"))
    assert (frames[5] != frames[15]).any()


@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
        elements=st.integers(0, 254),
    )
)
@settings(max_examples=40)
def test_gif_keeps_every_pixel(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("gif") / "a.gif"
    colours = np.random.default_rng(0).permutation(256)[:, None] * np.ones(3, int)
    colours = colours.astype(np.uint8)
    with GifFilm(path, frames.shape[1:], colours, 10.0, 255) as film:
        for frame in frames:
            film.add(frame)
    assert (gif_frames(path) == colours[frames]).all()


def test_packed_skips_what_stands_before_the_picture(monkeypatch):
    """Other versions of Pillow may write a comment or a delay first."""
    make, frame = Image.fromarray, np.arange(64, dtype=np.uint8).reshape(8, 8)
    plain = packed(frame)

    def with_comment(pixels):
        image = make(pixels)
        image.info["comment"] = b"of another version"
        return image

    monkeypatch.setattr("zincflux.export.gif.Image.fromarray", with_comment)
    assert packed(frame) == plain


def test_long_mp4_is_packed_while_it_is_made(tmp_path):
    pytest.importorskip("av", reason="needs zincflux[film]")
    path, colours = tmp_path / "a.mp4", palette()
    rng = np.random.default_rng(0)
    with Mp4Film(path, (48, 64), colours, 10.0) as film:
        for _ in range(90):
            film.add(rng.integers(0, 64, (48, 64), dtype=np.uint8))
    assert len(mp4_frames(path)[0]) == 90


def test_film_that_fails_ends_with_its_error(tmp_path):
    pytest.importorskip("av", reason="needs zincflux[film]")

    def fail():
        with Mp4Film(tmp_path / "a.mp4", (48, 64), palette(), 10.0) as film:
            film.add(np.zeros((48, 64), np.uint8))
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        fail()


def test_packed_has_no_header():
    data = packed(np.zeros((4, 4), np.uint8))
    assert data[0] == 8
    assert data[-1] == 0


@given(
    st.floats(1e-3, 1e3),
    st.floats(1.01, 1e4),
    st.lists(st.floats(1e-4, 1e6), min_size=1),
    st.booleans(),
)
def test_scale_is_monotone_and_bounded(low, factor, values, is_log):
    scale = ColourScale(low, low * factor, is_log, ("x",))
    ordered = np.sort(np.array(values))
    places = scale.places(ordered)
    assert (np.diff(places) >= 0).all()
    assert ((places >= 0) & (places < N_COLOURS)).all()
    assert scale.places(np.array([scale.low, scale.high])).tolist() == [0, N_COLOURS - 1]
    ticks = scale.ticks()
    assert len(ticks) >= 2
    assert all(scale.low <= value <= scale.high for value, _ in ticks)


def test_scale_leaves_stray_numbers_out():
    values = np.concatenate([np.linspace(1, 10, 1000), [1e6, -5, np.nan, np.inf]])
    scale = colour_scale(values, is_log=True, title=())
    assert 1 <= scale.low < 1.2
    assert 9.8 < scale.high <= 10
    assert colour_scale(np.array([0.0]), is_log=False, title=()).high > 0
    assert colour_scale(np.array([np.nan]), is_log=True, title=()).low == 0.5


@pytest.mark.parametrize(("is_log", "span"), [(True, 1.2), (False, 0.1)])
def test_noise_does_not_fill_the_scale(is_log, span):
    scale = colour_scale(np.array([0.999, 1.0, 1.001]), is_log=is_log, title=())
    found = scale.high / scale.low if is_log else scale.high - scale.low
    assert found == pytest.approx(span, rel=0.01)
    assert scale.places(np.array([1.0])) == N_COLOURS // 2


def test_codes_of_what_has_no_colour():
    scale = ColourScale(1.0, 10.0, True, ())
    found = codes(scale, np.array([np.nan, -np.inf, np.inf, 1.0, 10.0, 0.1, 99.0]))
    last = FIRST_COLOUR + N_COLOURS - 1
    assert found.tolist() == [OUTLINED, BELOW, ABOVE, FIRST_COLOUR, last, FIRST_COLOUR, last]


def facts(**changes):
    known = {
        "frame_shape": (40, 60),
        "pixel_size_um": 1.0,
        "scale": ColourScale(1.0, 10.0, True, ("Free zinc", "(nM)")),
        "legend": {},
        "times": ["0 s", "1 s"],
        "phases": [("", ""), ("", "")],
        "zoom": 1.0,
    }
    return FilmFacts(**{**known, **changes})


@pytest.mark.parametrize("zoom", [0.3, 1.0, 2.5])
def test_picture_is_scaled_in_means_and_labels_are_not(zoom):
    painter = FilmPainter(facts(zoom=zoom, frame_shape=(60, 90)))
    labels = np.zeros((60, 90), np.int32)
    labels[:, 45:] = 3
    places = np.array([0, 0, 0, FIRST_COLOUR + 7], np.uint8)
    frame = painter.paint(np.full((60, 90), 0.5), labels, places, 0)
    assert frame.shape == painter.shape
    assert all(side % 2 == 0 for side in painter.shape)
    assert (frame == FIRST_COLOUR + 7).any()
    grey = np.bincount(frame[frame < 64].ravel(), minlength=64)
    assert grey[31:35].sum() > 0.3 * (60 * zoom) * (45 * zoom)


def test_small_film_has_room_for_the_bar_but_not_for_the_scale_bar():
    painter = FilmPainter(facts(frame_shape=(8, 8)))
    frame = painter.paint(None, np.zeros((8, 8), np.int32), np.zeros(1, np.uint8), 1)
    assert set(range(FIRST_COLOUR, FIRST_COLOUR + 150, 10)) & set(np.unique(frame).tolist())


def test_text_that_is_too_long():
    letters = Lettering(16)
    assert letters.fitted("Zn", 100) == "Zn"
    short = letters.fitted("Zn + pyrithione", 100)
    assert short.endswith("…")
    assert letters.width(short) <= 100
    assert letters.fitted("Zn", 1) == ""


@pytest.mark.parametrize(
    ("time_s", "words"),
    [
        ([0.0], ["0 s"]),
        ([0.0, 0.25], ["0.00 s", "0.25 s"]),
        ([0.0, 2.5, 5.0, 7.5], ["0.0 s", "2.5 s", "5.0 s", "7.5 s"]),
        ([0.0, 5.003, 9.998], ["0 s", "5 s", "10 s"]),
        ([0.0, 20.0, 900.0], ["0.00 min", "0.33 min", "15.00 min"]),
        ([0.0, 30.0, 900.0], ["0.0 min", "0.5 min", "15.0 min"]),
        ([0.0, 3600.0, 36000.0], ["0 h", "1 h", "10 h"]),
        ([0.0, 0.0], ["0 s", "0 s"]),
    ],
)
def test_times(time_s, words):
    assert times_in_words(np.array(time_s)) == words


def test_phase_beyond_the_film_is_not_shown():
    from zincflux.export.film import _phases

    phases = (Phase(name="late", role="response", start_s=99.0),)
    assert _phases(phases, np.array([0.0, 1.0])) == [("", ""), ("", "")]
