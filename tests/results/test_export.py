"""Exports of finished results, from the library and from the command line."""

import os
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from runs import Shell, copy_dish, finished, names_in
from zincflux.errors import ExperimentError, MetadataWarning, ResultsError
from zincflux.export import EXPORTS, check_export, export_results, outlines, write
from zincflux.readers import open_labels, open_movie
from zincflux.results import read_results
from zincflux.results.ctc import MARK
from zincflux.results.zarr_images import ImageFacts, write_zarr_movie


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


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


@pytest.mark.slow
@pytest.mark.parametrize("to", EXPORTS)
def test_command(zf, done, tmp_path, to, monkeypatch):
    monkeypatch.setattr("zincflux.export.figures.PNG_DPI", 40)  # quicker
    if to in ("geff", "ome-zarr", "movie"):
        package = {"geff": "geff", "ome-zarr": "zarr", "movie": "av"}[to]
        pytest.importorskip(package, reason="needs zincflux[formats,film]")
    out = tmp_path / "new" / f"export{EXPORTS[to].proposed_ending}"
    assert zf("export", done, "--to", to, "--out", out) == (0, f"{out}\n", "")
    assert names_in(out.parent) == {out.name}
    again = zf("export", done, "--to", to, "--out", out)
    assert again[0] == 2
    assert "this is already there. Add --overwrite or choose another --out." in again[2]
    assert zf("export", done, "--to", to, "--out", out, "--overwrite", "--quiet") == (0, "", "")
    assert names_in(out.parent) == {out.name}


def test_static_labels(done, tmp_path):
    labels = read_results(done).labels
    regions = export_results(done, "imagej-rois", tmp_path / "a.zip")
    assert np.array_equal(open_labels(regions, labels.shape)[0], labels[0])
    masks = open_labels(export_results(done, "ctc", tmp_path / "01"), labels.shape)
    assert masks.shape == (40, 64, 64)
    assert np.array_equal(masks[0], labels[0])
    assert np.array_equal(masks[39], labels[0])


def test_masks_move_with_the_drift(done, stored, tmp_path):
    results = read_results(done)
    frames = results.frames.assign(
        drift_y_um=np.arange(40) * 0.5, drift_x_um=-2.0 * (np.arange(40) > 5)
    )
    stored(frames=frames)
    masks = open_labels(export_results(done, "ctc", tmp_path / "01"), (40, 64, 64))
    first, last = results.labels[0], masks[39]  # 20 px down, of 1 µm, and 2 to the left
    assert np.array_equal(last[20:, :-2], first[:-20, 2:])
    assert not last[:20].any()


def test_regions_of_a_field_that_drifts(done, stored, tmp_path):
    results = read_results(done)
    frames = results.frames.assign(drift_y_um=0.0, drift_x_um=np.linspace(0, -4.2, 40))
    stored(frames=frames)
    message = (
        r"a\.zip: the outlines are where the cells are in the first frame, but the field drifts by "
        r"up to 4 px\. Correct the drift in ImageJ before measuring there, or export with --to ctc"
    )
    with pytest.warns(MetadataWarning, match=message):
        regions = export_results(done, "imagej-rois", tmp_path / "a.zip")
    assert np.array_equal(open_labels(regions, (1, 64, 64))[0], results.labels[0])


def test_drift_that_moves_no_pixel(done, stored, tmp_path, recwarn):
    stored(frames=read_results(done).frames.assign(drift_y_um=0.4))
    export_results(done, "imagej-rois", tmp_path / "a.zip")
    assert not [item for item in recwarn if issubclass(item.category, MetadataWarning)]


def test_warning_of_drift_is_printed(zf, stored, done, tmp_path):
    stored(frames=read_results(done).frames.assign(drift_y_um=-3.0))
    out = tmp_path / "a.zip"
    status, printed, err = zf("export", done, "--to", "imagej-rois", "--out", out)
    assert (status, printed) == (0, f"{out}\n")
    assert err.startswith("warning: a.zip: the outlines are where")
    assert err.count("warning") == 1


def test_labels_per_frame(done, stored, tmp_path):
    results = read_results(done)
    images = np.stack([np.roll(results.labels[0], t, axis=1) for t in range(40)])
    stored(labels=images)
    masks = open_labels(export_results(done, "ctc", tmp_path / "01"), images.shape)
    regions = open_labels(export_results(done, "imagej-rois", tmp_path / "a.zip"), images.shape)
    assert all(np.array_equal(masks[t] > 0, images[t] > 0) for t in range(40))
    assert all(np.array_equal(regions[t], images[t]) for t in range(40))


@pytest.mark.parametrize("to", ["ctc", "geff", "imagej-rois", "ome-zarr"])
def test_results_of_a_table(done, stored, tmp_path, to):
    stored(labels=None, labels_file=None)
    with pytest.raises(ResultsError, match=r"results of a movie, found those of a table, which"):
        export_results(done, to, tmp_path / "a.zip")
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("to", "rest"),
    [("cct", "Did you mean 'ctc'?"), ("word", "Choose one of these.")],
)
def test_unknown_format(zf, done, tmp_path, to, rest):
    status, _, err = zf("export", done, "--to", to, "--out", tmp_path / "a")
    assert (status, err) == (
        2,
        f"zincflux: --to: expected {', '.join(EXPORTS)}, found '{to}'. {rest}\n",
    )


def test_unknown_format_of_a_place(tmp_path):
    with pytest.raises(ExperimentError, match=r"--to: expected csv, .*, found 'tables'\. Choose"):
        check_export(tmp_path / "a", "tables", overwrite=False)


def test_masks_without_cells(done, stored, tmp_path):
    stored(labels=np.zeros((1, 8, 8), np.int32))
    with pytest.raises(ResultsError, match=r"^01: expected cells to export, found none"):
        export_results(done, "ctc", tmp_path / "01")


def test_no_results(zf, tmp_path):
    status, _, err = zf("export", tmp_path, "--to", "ctc", "--out", tmp_path / "a")
    assert status == 1
    assert "expected a results folder of zincflux" in err


@pytest.mark.parametrize(
    ("to", "is_folder", "message"),
    [
        ("ctc", False, "expected a folder, found a file"),
        ("imagej-rois", True, "expected a file, found a folder"),
        ("ctc", True, "found a folder that also holds thesis.docx"),
        ("geff", True, "found a folder that also holds thesis.docx"),
    ],
)
def test_nothing_else_is_replaced(done, tmp_path, to, is_folder, message):
    place = tmp_path / "mine.zip"
    if is_folder:
        place.mkdir()
        (place / "thesis.docx").touch()
    else:
        place.touch()
    with pytest.raises(ExperimentError, match=rf"{re.escape(str(place))}: .*{message}\. Choose"):
        export_results(done, to, place, overwrite=True)
    assert place.is_dir() == is_folder


@pytest.mark.parametrize("to", ["ctc", "geff", "csv", "parquet", "figures", "prism"])
def test_folder_of_another_program_stays(done, tmp_path, to):
    names = {
        "ctc": ["mask000.tif", "res_track.txt"],
        "geff": [".zattrs"],
        "csv": ["cells.csv"],
        "parquet": ["traces.parquet"],
        "figures": ["cells.png"],
        "prism": ["zinc.csv"],
    }
    place = tmp_path / "mine"
    place.mkdir()
    for name in names[to]:
        (place / name).write_bytes(b"mine")
    with pytest.raises(ExperimentError, match=r"found a folder that (zincflux has not|also holds)"):
        export_results(done, to, place, overwrite=True)
    assert {path.read_bytes() for path in place.iterdir()} == {b"mine"}


@pytest.mark.parametrize("to", ["ome-zarr", "zinc-zarr"])
def test_movie_of_the_user_stays(done, tmp_path, to):
    pytest.importorskip("zarr", reason="needs zincflux[formats]")
    place = tmp_path / "recorded.ome.zarr"
    facts = ImageFacts("recorded", 0.65, np.arange(2.0), ("GFP",))
    write_zarr_movie(place, iter(np.ones((2, 1, 8, 8), np.float32)), (2, 1, 8, 8), facts)
    with pytest.raises(ExperimentError, match=r"found a folder that zincflux has not written\. Ch"):
        export_results(done, to, place, overwrite=True)
    assert open_movie(place).frame(1).mean() == 1.0


def test_empty_folder_may_be_taken(done, tmp_path):
    (tmp_path / "a").mkdir()
    export_results(done, "csv", tmp_path / "a", overwrite=True)
    assert "traces.csv" in names_in(tmp_path / "a")


@pytest.mark.parametrize("overwrite", [True, False])
def test_regions_go_into_a_zip(done, tmp_path, overwrite):
    movie = tmp_path / "prec.tif"
    movie.write_bytes(b"a movie")
    with pytest.raises(
        ExperimentError, match=r"a name that ends in \.zip for imagej-rois, found .*prec\.tif\. Ren"
    ):
        export_results(done, "imagej-rois", movie, overwrite=overwrite)
    assert movie.read_bytes() == b"a movie"


@pytest.mark.parametrize("content", [b"", b"a movie", b"PK\x03\x04 a damaged zip"])
def test_file_that_is_no_zip_stays(done, tmp_path, content):
    place = tmp_path / "mine.zip"
    place.write_bytes(content)
    with pytest.raises(
        ExperimentError, match=r"an earlier export to replace, found another file: .+\. Choose"
    ):
        export_results(done, "imagej-rois", place, overwrite=True)
    assert place.read_bytes() == content


def test_zip_of_another_program_stays(done, tmp_path):
    place = tmp_path / "mine.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("12_t3.roi", "")
    with pytest.raises(ExperimentError, match=r"found a file that zincflux has not written\. Ch"):
        export_results(done, "imagej-rois", place, overwrite=True)


@pytest.mark.parametrize("other", ["0123-0456.roi", "12_t3.roi.txt", "masks/12.roi"])
def test_zip_of_anything_else_stays(done, tmp_path, other):
    place = tmp_path / "mine.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("12_t3.roi", "")
        archive.writestr(other, "")
    before = place.read_bytes()
    with pytest.raises(
        ExperimentError, match=rf"replace, found a file that also holds {re.escape(other)}\. Cho"
    ):
        export_results(done, "imagej-rois", place, overwrite=True)
    assert place.read_bytes() == before


@pytest.mark.parametrize(
    ("regions", "taken"), [(("nucleus", "cell"), "cell"), (("nucleus", "ring"), "nucleus")]
)
def test_region_of_a_graph(done, stored, tmp_path, monkeypatch, regions, taken):
    experiment = read_results(done).experiment
    segment = experiment.segment.model_copy(update={"regions": regions})
    stored(experiment=experiment.model_copy(update={"segment": segment}))
    asked = []

    def graph(traces, cells, path, *, region):
        asked.append(region)
        path.mkdir()

    monkeypatch.setattr(outlines, "write_geff", graph)
    export_results(done, "geff", tmp_path / "a.geff")
    assert asked == [taken]


def test_what_was_there_stays_if_moving_fails(done, tmp_path, monkeypatch):
    out = export_results(done, "ctc", tmp_path / "01")
    mark = out / "mask000.tif"
    tifffile.imwrite(mark, np.ones((2, 2), np.uint16), software=MARK.decode())
    move, calls = os.replace, []

    def fail_once(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise PermissionError(13, "in use")
        move(source, target)

    monkeypatch.setattr("zincflux.export.write.os.replace", fail_once)
    with pytest.raises(ResultsError, match="this cannot be written"):
        export_results(done, "ctc", out, overwrite=True)
    assert tifffile.imread(mark).shape == (2, 2)
    assert names_in(tmp_path) == {"01"}


def test_what_was_exported_can_be_run(zf, done, tmp_path, monkeypatch):
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>report</p>")
    dish = copy_dish(done.parent / "experiment.toml", tmp_path / "own")
    export_results(done, "imagej-rois", dish.parent / "RoiSet.zip")
    export_results(done, "ctc", dish.parent / "01_RES")
    given = ("--set", "segment.method=labels", "--quiet", "--set")
    cells = {}
    for name, more in (
        ("RoiSet.zip", ()),
        ("01_RES", ("--set", "track.mode=follow", "--set", "track.file=01_RES")),
    ):
        out = dish.parent / f"{name}_out"
        args = ("run", dish, "--out", out, *given, f"segment.labels={name}", *more)
        assert zf(*args) == (0, "", "")
        results = read_results(out)
        cells[name] = results.cells.set_index("cell_id")
        assert np.array_equal(results.labels[0], read_results(done).labels[0])
        assert any(name in path for path in results.run["inputs"])
    assert sum("mask" in path for path in results.run["inputs"]) == 40
    before = read_results(done).cells.set_index("cell_id")
    assert all(table["f0"].equals(before["f0"]) for table in cells.values())
