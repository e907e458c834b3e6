"""Labels and tracks for other programs: the challenge's own checker and GEFF's own reader judge."""

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zincflux.errors import MetadataWarning, ResultsError
from zincflux.readers import open_labels
from zincflux.readers.ctc import ctc_labels, read_ctc
from zincflux.results.ctc import write_ctc
from zincflux.results.geff import write_geff
from zincflux.results.rois import write_rois

PIXEL_UM = 0.5


def draw(seen):
    """Label images in which each cell is a square of its own, in the frames it is seen in."""
    n_frames = 1 + max(max(frames) for frames in seen.values())
    images = np.zeros((n_frames, 5, 4 * len(seen)), dtype=np.int32)
    for number, (cell, frames) in enumerate(seen.items()):
        images[sorted(frames), 1:4, 4 * number : 4 * number + 3] = cell
    return images


@st.composite
def families(draw_):
    """Cells with the frames they are seen in, and parents that end before their daughters begin."""
    n = draw_(st.integers(1, 6))
    cells = draw_(st.lists(st.integers(1, 500), min_size=n, max_size=n, unique=True))
    seen = {
        cell: draw_(st.sets(st.integers(0, 8), min_size=1, max_size=9).map(sorted))
        for cell in cells
    }
    parents = {}
    for cell in cells:
        possible = [other for other in cells if seen[other][-1] < seen[cell][0]]
        if possible and draw_(st.booleans()):
            parents[cell] = draw_(st.sampled_from(possible))
    return seen, parents


def twins(parents):
    """Keep the parents of two or more: an only child after a gap reads as the same cell."""
    count = pd.Series(parents, dtype=object).value_counts()
    return {cell: mother for cell, mother in parents.items() if count[mother] > 1}


def table_of(seen, parents):
    rows = [(t, cell, parents.get(cell, 0)) for cell, frames in seen.items() for t in frames]
    return sorted(rows)


@pytest.fixture
def checker():
    """The challenge's own rules, as py-ctcmetrics knows them."""
    module = pytest.importorskip("ctc_metrics.scripts.validate", reason="needs zincflux[test]")
    return lambda folder: module.validate_sequence(str(folder), threads=1)["Valid"] == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Empty frame")
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(family=families())
def test_folder_is_valid_and_comes_back(tmp_path_factory, checker, family):
    seen, parents = family[0], twins(family[1])
    images = draw(seen)
    folder = tmp_path_factory.mktemp("export") / "01_RES"
    folder.mkdir()
    write_ctc(list(images), parents, folder)
    assert checker(folder)
    table = read_ctc(folder, PIXEL_UM)
    assert sorted(table[["frame", "cell_id", "parent_id"]].itertuples(index=False, name=None)) == (
        table_of(seen, parents)
    )
    labels = ctc_labels(folder)
    for t in range(len(images)):
        part = table[table["frame"] == t]
        back = np.zeros(max([0, *part["label"]]) + 1, dtype=np.int32)
        back[part["label"]] = part["cell_id"]
        assert np.array_equal(back[labels[t]], images[t])


def test_masks_and_table(tmp_path, checker):
    seen = {1: [0, 1], 2: [2, 3], 3: [2, 3], 5: [0, 3]}
    write_ctc(list(draw(seen)), {2: 1, 3: 1}, tmp_path)
    table = (tmp_path / "res_track.txt").read_bytes().decode()
    assert table == "1 0 1 0\n2 2 3 1\n3 2 3 1\n5 0 0 0\n6 3 3 5\n"
    mask = tifffile.imread(tmp_path / "mask003.tif")
    assert mask.dtype == np.uint16
    assert np.unique(mask).tolist() == [0, 2, 3, 6]
    assert checker(tmp_path)


def test_names_of_more_than_a_thousand_frames(tmp_path):
    write_ctc([np.ones((2, 2), np.int32)] * 1001, {}, tmp_path)
    assert (tmp_path / "mask1000.tif").is_file()
    assert (tmp_path / "mask0000.tif").is_file()
    assert open_labels(tmp_path, (1001, 2, 2)).shape[0] == 1001


def test_parent_that_is_seen_again_after_the_birth(tmp_path, checker):
    write_ctc(list(draw({1: [0, 3], 2: [1, 2]})), {2: 1}, tmp_path)
    assert (tmp_path / "res_track.txt").read_text() == "1 0 0 0\n2 1 2 1\n3 3 3 1\n"
    assert checker(tmp_path)


def test_parent_that_ends_too_late(tmp_path, checker):
    message = r"1 daughters begin before their parent ends \(2 of 1\), which the Cell Tracking"
    with pytest.warns(MetadataWarning, match=message):
        write_ctc(list(draw({1: [0, 1], 2: [1, 2]})), {2: 1}, tmp_path)
    assert (tmp_path / "res_track.txt").read_text() == "1 0 1 0\n2 1 2 0\n"
    assert checker(tmp_path)


def test_parent_that_was_never_seen(tmp_path):
    write_ctc(list(draw({2: [1, 2]})), {2: 1}, tmp_path)
    assert (tmp_path / "res_track.txt").read_text() == "2 1 2 0\n"


@pytest.mark.parametrize("seen", [{65536: [0]}, {65535: [0, 2]}])
def test_more_labels_than_16_bits(tmp_path, seen):
    message = r"labels up to 65535, .* found 65536\. Export with --to geff, or run a shorter part"
    with pytest.raises(ResultsError, match=message):
        write_ctc(list(draw(seen)), {}, tmp_path)


def test_the_last_label(tmp_path):
    write_ctc(list(draw({65535: [0]})), {}, tmp_path)
    assert tifffile.imread(tmp_path / "mask000.tif").max() == 65535


def test_no_cells(tmp_path):
    with pytest.raises(ResultsError, match="expected cells to export, found none in the label"):
        write_ctc([np.zeros((3, 3), np.int32)], {}, tmp_path)


def tables(seen, parents):
    """Traces and cells as a run writes them; the last cell is lost in the end."""
    rows = [
        {
            "cell_id": cell,
            "frame": t,
            "time_s": 5.0 * t,
            "y_um": 1.0 * cell,
            "x_um": 2.0 * cell,
            "area_um2": 80.0,
            "signal": 100.0 + t,
            "zinc_nM": np.nan if t == 1 else 3.0,
            "zinc_low_nM": 2.0,
            "zinc_high_nM": 4.0,
        }
        for cell, frames in seen.items()
        for t in frames
    ]
    rows.append({**rows[-1], "frame": 8, "y_um": np.nan, "x_um": np.nan})
    cells = pd.DataFrame({"cell_id": list(seen), "parent_id": [parents.get(c, 0) for c in seen]})
    return pd.DataFrame(rows), cells


def graph(path):
    """Read a graph with everything checked that GEFF can check."""
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    from geff.core_io import read_to_memory
    from geff.validate.data import ValidationConfig

    checks = ValidationConfig(graph=True, lineage=True, tracklet=True)
    return read_to_memory(path, structure_validation=True, data_validation=checks)


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(family=families())
def test_graph_is_valid_and_complete(tmp_path_factory, family):
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    seen, parents = family
    path = tmp_path_factory.mktemp("export") / "tracks.geff"
    write_geff(*tables(seen, parents), path)
    found = graph(path)
    at = {name: prop["values"] for name, prop in found["node_props"].items()}
    nodes = list(zip(at["cell_id"].tolist(), at["t"].tolist(), strict=True))
    assert nodes == [(cell, t) for cell in sorted(seen) for t in seen[cell]]
    edges = {(nodes[a], nodes[b]) for a, b in found["edge_ids"].astype(int).tolist()}
    steps = {((cell, a), (cell, b)) for cell, frames in seen.items() for a, b in pairwise(frames)}
    births = {((p, seen[p][-1]), (cell, seen[cell][0])) for cell, p in parents.items()}
    assert edges == steps | births


def test_what_a_graph_says(tmp_path):
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    write_geff(*tables({2: [1, 2], 4: [0]}, {}), tmp_path / "a.geff")
    found = graph(tmp_path / "a.geff")
    metadata = found["metadata"]
    assert [(a.name, a.type, a.unit) for a in metadata.axes] == [
        ("t", "time", "frame"),
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    units = {name: prop.unit for name, prop in metadata.node_props_metadata.items()}
    assert (units["time"], units["area"], units["zinc"]) == ("second", "micrometer^2", "nM")
    props = found["node_props"]
    assert props["zinc"]["missing"].tolist() == [True, False, False]
    assert props["area"]["missing"] is None
    assert props["area"]["values"].tolist() == [80.0, 80.0, 80.0]
    assert props["y"]["values"].tolist() == [2.0, 2.0, 4.0]
    assert props["time"]["values"].tolist() == [5.0, 10.0, 0.0]


@pytest.mark.parametrize(("region", "frames"), [("cell", [1, 2, 3]), ("nucleus", [1, 3])])
def test_graph_of_one_region(tmp_path, region, frames):
    """The nucleus is not seen in frame 2, and what is around it fills no gap."""
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    traces, cells = tables({2: [1, 2, 3]}, {})
    whole = traces.assign(region="cell")
    inner = traces.assign(region="nucleus", area_um2=20.0)
    inner.loc[inner["frame"] == 2, ["y_um", "x_um"]] = np.nan
    both = pd.concat([inner, whole], ignore_index=True)
    write_geff(both, cells, tmp_path / "a.geff", region=region)
    found = graph(tmp_path / "a.geff")
    props = found["node_props"]
    assert props["t"]["values"].tolist() == frames
    assert set(props["area"]["values"].tolist()) == {80.0 if region == "cell" else 20.0}
    assert len(found["edge_ids"]) == len(frames) - 1


def test_parent_that_has_no_row(tmp_path):
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    write_geff(*tables({2: [1, 2], 4: [0]}, {2: 9, 4: 2}), tmp_path / "a.geff")
    assert graph(tmp_path / "a.geff")["edge_ids"].tolist() == [[0, 1]]


def test_graph_without_cells(tmp_path):
    pytest.importorskip("geff", reason="needs zincflux[formats]")
    traces, cells = tables({2: [1]}, {})
    write_geff(traces.iloc[:0], cells.iloc[:0], tmp_path / "a.geff")
    assert graph(tmp_path / "a.geff")["node_ids"].size == 0


def test_geff_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "geff", None)
    monkeypatch.setitem(sys.modules, "geff.core_io", None)
    message = r"expected the package geff.*, which is not installed\. .*zincflux\[formats\]"
    with pytest.raises(ResultsError, match=message):
        write_geff(*tables({2: [1]}, {}), tmp_path / "a.geff")


@pytest.mark.realdata
def test_real_nuclei_come_back(realdata, tmp_path):
    images = tifffile.imread(realdata / "laptrack-nuclei" / "example_label.tif")
    images = images.reshape(-1, *images.shape[-2:])[:5].astype(np.int32)
    write_rois(images, tmp_path / "a.zip")
    labels = open_labels(tmp_path / "a.zip", images.shape)
    assert np.array_equal(np.stack([labels[t] for t in range(len(images))]), images)
    write_ctc(list(images), {}, tmp_path)
    table, masks = read_ctc(tmp_path, 1.0), ctc_labels(tmp_path)
    assert len(table) == sum(np.unique(image).size - 1 for image in images)
    assert all(np.array_equal(masks[t] > 0, images[t] > 0) for t in range(len(images)))
