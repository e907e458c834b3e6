"""Tracks and outlines made elsewhere, in the chain."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from dishes import CENTRES, SIZE, discs, dish, experiment_of

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.pipeline import Analysis, analyze
from zincflux.results.ctc import write_ctc
from zincflux.results.rois import write_rois

N_FRAMES = 6
SHIFTS = [(0, 3 * t) for t in range(N_FRAMES)]
"""Cells that crawl to the right."""


def labels(numbers=(1, 2, 3, 4)) -> np.ndarray:
    """Labels (T, Y, X), of which each frame has its own order."""
    return np.stack(
        [discs(np.roll(numbers, t), shift=shift) for t, shift in enumerate(SHIFTS)]
    ).astype(np.int32)


def run(tmp_path: Path, *, file: Path | None = None, given: Path | None = None) -> Analysis:
    """Analyse the crawling cells with given tracks, on given labels."""
    if given is None:
        given = tmp_path / "labels.tif"
        tifffile.imwrite(given, labels())
    track = {"mode": "follow"} | ({} if file is None else {"file": str(file)})
    segment = {"method": "labels", "labels": str(given), "diameter_um": 18}
    bare = {"indicator": "none", "phases": [], "calibration": {}}
    settings = experiment_of({"track": track, "segment": segment, **bare})
    movie = dish(np.full(N_FRAMES, 500.0), shifts=SHIFTS)
    return analyze(settings, movie=movie, jobs=1)


def paths(analysis: Analysis) -> dict[int, list[tuple[int, int]]]:
    """Frame and row of the disc that each cell is on."""
    found: dict[int, list[tuple[int, int]]] = {}
    for row in analysis.traces.dropna(subset=["y_um"]).itertuples():
        place = np.array([row.y_um, row.x_um]) - SHIFTS[row.frame]
        number = int(np.argmin(np.hypot(*(np.array(CENTRES) - place).T)))
        found.setdefault(row.cell_id, []).append((row.frame, number))
    return found


def spots(numbers=range(4), frames=range(N_FRAMES), off=(0.0, 0.0)) -> dict:
    """Spots of TrackMate on the discs: id → frame, y, x."""
    return {
        100 * number + t: (
            t,
            CENTRES[number][0] + SHIFTS[t][0] + off[0],
            CENTRES[number][1] + SHIFTS[t][1] + off[1],
        )
        for number in numbers
        for t in frames
    }


def save_trackmate(path: Path, places: dict, edges: list[tuple[int, int]]) -> Path:
    lines = [
        f'<Spot ID="{n}" FRAME="{t}" POSITION_Y="{y}" POSITION_X="{x}" />'
        for n, (t, y, x) in places.items()
    ]
    lines += ['<Track TRACK_ID="0">']
    lines += [f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" />' for a, b in edges]
    lines += ['</Track><TrackID TRACK_ID="0" /><ImageData pixelwidth="1.0" />']
    path.write_text(f"<TrackMate>{''.join(lines)}</TrackMate>", encoding="utf-8")
    return path


def onwards(numbers=range(4), frames=range(N_FRAMES)) -> list[tuple[int, int]]:
    return [(100 * n + a, 100 * n + b) for n in numbers for a, b in pairwise(frames)]


@pytest.mark.parametrize("off", [(0.0, 0.0), (5.0, -5.0), (-8.4, 0.0), (0.0, 9.5)])
def test_trackmate(tmp_path: Path, off: tuple[float, float]) -> None:
    """On the cell, or beyond its edge but within half a diameter_um of the centroid."""
    file = save_trackmate(tmp_path / "a.xml", spots(off=off), onwards())
    if np.hypot(*off) > 18 / 2:
        with pytest.raises(ExperimentError, match="none of the 24 spots of"):
            run(tmp_path, file=file)
        return
    analysis = run(tmp_path, file=file)
    expected = {n + 1: [(t, n) for t in range(N_FRAMES)] for n in range(4)}
    assert paths(analysis) == expected
    assert (analysis.cells["parent_id"] == 0).all()
    assert analysis.warnings == ()


def test_division(tmp_path: Path) -> None:
    edges = [*onwards([0], range(3)), *onwards([0, 1], range(3, 6)), (2, 3), (2, 103)]
    file = save_trackmate(tmp_path / "a.xml", spots([0, 1]), edges)
    with pytest.warns(MetadataWarning, match=r"0 of 9 spots lie on no cell .*; 15 outlines carry"):
        analysis = run(tmp_path, file=file)
    found = paths(analysis)
    assert found[1] == [(0, 0), (1, 0), (2, 0)]
    assert found[2] == [(3, 0), (4, 0), (5, 0)]
    assert found[3] == [(3, 1), (4, 1), (5, 1)]
    parents = analysis.cells.set_index("cell_id")["parent_id"]
    assert (parents[1], parents[2], parents[3]) == (0, 1, 1)
    assert all(len(path) == 1 for cell, path in found.items() if cell > 3), "no track, no identity"
    assert len(found) == 3 + 15


def test_parent_that_is_on_no_cell(tmp_path: Path) -> None:
    places = spots([0, 1], range(1, N_FRAMES)) | {7: (0, 40.0, 90.0)}
    edges = [*onwards([0, 1], range(1, 6)), (7, 1), (7, 101)]
    file = save_trackmate(tmp_path / "a.xml", places, edges)
    with pytest.warns(MetadataWarning, match=r"1 of 11 spots lie on no cell and are left out"):
        analysis = run(tmp_path, file=file)
    assert (analysis.cells["parent_id"] == 0).all()


def test_spot_further_off_than_any_number_of_pixels(tmp_path: Path) -> None:
    places = spots([0]) | {7: (0, 1e200, -1e200), 8: (1, -1e200, 40.0)}
    file = save_trackmate(tmp_path / "a.xml", places, [*onwards([0]), (7, 8)])
    with pytest.warns(MetadataWarning, match=r"2 of 8 spots lie on no cell and are left out"):
        analysis = run(tmp_path, file=file)
    assert paths(analysis)[1] == [(t, 0) for t in range(N_FRAMES)]


def test_two_spots_on_a_cell(tmp_path: Path) -> None:
    near, far = spots([0], off=(1.0, 0.0)), spots([0], off=(3.0, 3.0))
    places = near | {n + 50: place for n, place in far.items()}
    edges = [*onwards([0]), *[(a + 50, b + 50) for a, b in onwards([0])]]
    file = save_trackmate(tmp_path / "a.xml", places, edges)
    with pytest.warns(MetadataWarning, match=r"6 of 12 spots lie on no cell"):
        analysis = run(tmp_path, file=file)
    assert paths(analysis)[1] == [(t, 0) for t in range(N_FRAMES)]
    assert 2 not in paths(analysis)


def test_tracks_of_another_movie(tmp_path: Path) -> None:
    away = {n: (t, y + 30.0, x) for n, (t, y, x) in spots([2, 3]).items()}
    file = save_trackmate(tmp_path / "a.xml", away, onwards([2, 3]))
    message = r"none of the 12 spots of .*a\.xml lies on a cell .*check movie\.pixel_size_um\."
    with pytest.raises(ExperimentError, match=message):
        run(tmp_path, file=file)


def test_tracks_of_a_longer_movie(tmp_path: Path) -> None:
    places = {n: (t + 3, y, x) for n, (t, y, x) in spots().items()}
    file = save_trackmate(tmp_path / "a.xml", places, onwards())
    message = r"expected tracks within the 6 frames of the movie, found one in frame 8 \(from 0\)"
    with pytest.raises(ExperimentError, match=message):
        run(tmp_path, file=file)


def ctc_folder(tmp_path: Path) -> Path:
    """The same cells, of which 2 and 3 are daughters of 1 and 4 is missed in frame 2."""
    images = [discs((1, 0, 0, 4), shift=shift) for shift in SHIFTS[:3]]
    images += [discs((2, 3, 0, 4), shift=shift) for shift in SHIFTS[3:]]
    images[2][images[2] == 4] = 0
    folder = tmp_path / "01_RES"
    folder.mkdir()
    write_ctc([image.astype(np.int32) for image in images], {2: 1, 3: 1}, folder)
    return folder


def test_folder_of_the_challenge(tmp_path: Path) -> None:
    folder = ctc_folder(tmp_path)
    analysis = run(tmp_path, file=folder, given=folder)
    assert paths(analysis) == {
        1: [(0, 0), (1, 0), (2, 0)],
        2: [(3, 0), (4, 0), (5, 0)],
        3: [(3, 1), (4, 1), (5, 1)],
        4: [(0, 3), (1, 3), (3, 3), (4, 3), (5, 3)],
    }
    assert analysis.cells["parent_id"].tolist() == [0, 1, 1, 0]
    assert analysis.warnings == ()


def test_tracks_of_the_challenge_on_other_labels(tmp_path: Path) -> None:
    with pytest.warns(MetadataWarning, match="10 outlines carry no spot"):
        analysis = run(tmp_path, file=ctc_folder(tmp_path))
    found = paths(analysis)
    assert found[4] == [(0, 3), (1, 3), (3, 3), (4, 3), (5, 3)]
    assert analysis.cells["parent_id"].tolist()[:4] == [0, 1, 1, 0]


def test_no_cells_and_no_tracks(tmp_path: Path) -> None:
    folder = tmp_path / "01_RES"
    folder.mkdir()
    for t in range(N_FRAMES):
        tifffile.imwrite(folder / f"mask{t:03d}.tif", np.zeros((SIZE, SIZE), np.uint16))
    (folder / "res_track.txt").touch()
    assert run(tmp_path, file=folder, given=folder).cells.empty


def test_tracks_where_a_frame_has_no_cells(tmp_path: Path) -> None:
    given = tmp_path / "labels.tif"
    images = labels()
    images[2] = 0
    tifffile.imwrite(given, images)
    file = save_trackmate(tmp_path / "a.xml", spots(), onwards())
    with pytest.warns(MetadataWarning, match="4 of 24 spots lie on no cell"):
        analysis = run(tmp_path, file=file, given=given)
    assert [t for t, _ in paths(analysis)[1]] == [0, 1, 3, 4, 5]


def test_regions_of_imagej(tmp_path: Path) -> None:
    write_rois(labels(), tmp_path / "RoiSet.zip")
    same = run(tmp_path, given=tmp_path / "RoiSet.zip")
    assert same.traces.equals(run(tmp_path).traces)


def test_regions_of_imagej_in_a_static_movie(tmp_path: Path) -> None:
    regions = discs((40, 30, 20, 10)).astype(np.int32)
    write_rois(regions[None], tmp_path / "RoiSet.zip")
    segment = {"method": "labels", "labels": str(tmp_path / "RoiSet.zip")}
    settings = experiment_of({"segment": segment})
    analysis = analyze(settings, movie=dish(), jobs=1)
    assert np.array_equal(analysis.labels, regions)


def test_doubts_about_labels_are_told_once(tmp_path: Path) -> None:
    import roifile

    boxes = []
    for t in range(N_FRAMES):
        for left, name in ((10, "low"), (16, "high")):
            roi = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, t_position=t + 1)
            roi.left, roi.top, roi.right, roi.bottom = left, 10, left + 12, 30
            roi.name = f"{name} {t}"
            boxes.append(roi)
    roifile.roiwrite(tmp_path / "a.zip", boxes)
    with pytest.warns(MetadataWarning, match=r"segment\.labels: .*6 pairs of outlines overlap"):
        analysis = run(tmp_path, given=tmp_path / "a.zip")
    assert sum("overlap" in message for message in analysis.warnings) == 1


@pytest.mark.parametrize(
    ("track", "message"),
    [
        ({"file": "a.xml"}, r'file has no effect with mode = "static"'),
        (
            {"file": "a.xml", "mode": "follow", "divisions": False},
            r"divisions has no effect on tracks that are given\. Leave it out, or leave",
        ),
    ],
)
def test_keys_that_count_for_nothing(track: dict, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        experiment_of({"track": track})


def test_tracks_that_begin_later(tmp_path: Path) -> None:
    file = save_trackmate(
        tmp_path / "a.xml", spots(frames=range(2, 6)), onwards(frames=range(2, 6))
    )
    with pytest.warns(MetadataWarning, match="8 outlines carry no spot"):
        analysis = run(tmp_path, file=file)
    assert paths(analysis)[1] == [(t, 0) for t in range(2, 6)]
