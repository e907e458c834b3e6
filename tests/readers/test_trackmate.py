"""Tracks that TrackMate saved."""

import pytest

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers import input_files, read_tracks
from zincflux.readers.trackmate import COLUMNS

SPOTS = {  # id: frame, y, x
    11: (0, 10.0, 20.0),
    12: (1, 11.0, 21.0),
    15: (3, 12.0, 22.0),
    13: (4, 10.0, 18.0),
    14: (4, 14.0, 26.0),
    30: (0, 50.0, 60.0),
    31: (1, 50.0, 61.0),
    40: (2, 90.0, 90.0),
}
"""A cell that is missed in frame 2 and divides after frame 3, another one, and a lone spot."""

TRACKS = {0: [(11, 12), (12, 15), (15, 13), (14, 15)], 1: [(30, 31)]}
CELLS = {11: (1, 0), 12: (1, 0), 15: (1, 0), 13: (3, 1), 14: (4, 1), 30: (2, 0), 31: (2, 0)}


def xml(unit="pixel", width=1.0, spots=SPOTS, tracks=TRACKS, shown=None, root="TrackMate", head=""):
    lines = [
        f'<Spot ID="{number}" name="ID{number}" FRAME="{frame}" POSITION_X="{x}" POSITION_Y="{y}" '
        f'POSITION_Z="0.0" POSITION_T="{frame * 5.0}" RADIUS="5.0" VISIBILITY="1" />'
        for number, (frame, y, x) in spots.items()
    ]
    for track, edges in tracks.items():
        lines.append(f'<Track name="Track_{track}" TRACK_ID="{track}">')
        lines += [f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" />' for a, b in edges]
        lines.append("</Track>")
    lines += [f'<TrackID TRACK_ID="{track}" />' for track in (tracks if shown is None else shown)]
    size = "" if width is None else f' pixelwidth="{width}"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<{root} version="7.11.1"><Log>µm &amp; s'
        f'</Log><Model spatialunits="{unit}" timeunits="sec">{"".join(lines)}</Model><Settings>'
        f'<ImageData filename="a.tif" width="128" height="128"{size} /></Settings></{root}>'
    )


SPOT_HEADS = (
    "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,FRAME\n"
    "Label,Spot ID,Track ID,Quality,X,Y,Frame\n"
    "Label,Spot ID,Track ID,Quality,X,Y,Frame\n"
    ",,,(quality),({unit}),({unit}),\n"
)
EDGE_HEADS = (
    "LABEL,TRACK_ID,SPOT_SOURCE_ID,SPOT_TARGET_ID,LINK_COST\n"
    "Label,Track ID,Source spot ID,Target spot ID,Edge cost\n"
    "Label,Track ID,Source ID,Target ID,Cost\n"
    ",,,,(cost)\n"
)


def save_tables(folder, unit="pixel", names=("spots.csv", "edges.csv"), n_heads=4):
    spots = [f"ID{n},{n},0,9.5,{x},{y},{frame}\n" for n, (frame, y, x) in SPOTS.items()]
    edges = [f"ID{a} → ID{b},{t},{a},{b},1.5\n" for t, own in TRACKS.items() for a, b in own]
    for name, heads, lines in zip(names, (SPOT_HEADS, EDGE_HEADS), (spots, edges), strict=True):
        head = "".join(heads.format(unit=unit).splitlines(keepends=True)[:n_heads])
        (folder / name).write_text(head + "".join(lines), encoding="utf-8")
    return folder / names[0]


def save(folder, text):
    (folder / "cells.xml").write_text(text, encoding="utf-8")
    return folder / "cells.xml"


def cells(table):
    return {row.spot_id: (row.cell_id, row.parent_id) for row in table.itertuples()}


def test_xml(tmp_path):
    table = read_tracks(save(tmp_path, xml()), 0.5)
    assert tuple(table) == COLUMNS
    assert cells(table) == CELLS
    assert table["frame"].tolist() == [0, 0, 1, 1, 3, 4, 4]
    assert table[["y_um", "x_um"]].iloc[0].tolist() == [5.0, 10.0]


def test_tables(tmp_path):
    table = read_tracks(save_tables(tmp_path), 0.5)
    assert cells(table) == CELLS
    assert table[["y_um", "x_um"]].iloc[0].tolist() == [5.0, 10.0]


@pytest.mark.parametrize(
    "names", [("a_Spots.CSV", "a_edges.CSV"), ("spots spots.csv", "spots edges.csv")]
)
def test_names_of_the_tables(tmp_path, names):
    path = save_tables(tmp_path, names=names)
    assert input_files(path) == (path, tmp_path / names[1])
    assert cells(read_tracks(path, 1.0)) == CELLS


def test_tables_with_a_single_head(tmp_path):
    with pytest.raises(ReaderError, match="or pixels, found the unit ''"):
        read_tracks(save_tables(tmp_path, n_heads=1), 1.0)


@pytest.mark.parametrize(
    ("unit", "width", "y_um"),
    [
        ("micron", 0.2, 25.0),  # pixels of TrackMate's image times those of the movie
        ("whatever", 0.2, 25.0),
        ("µm", None, 10.0),
        ("nm", None, 0.01),
        ("pixels", None, 5.0),
        ("micron", 0.0, 10.0),
    ],
)
def test_units_of_xml(tmp_path, unit, width, y_um):
    table = read_tracks(save(tmp_path, xml(unit, width)), 0.5)
    assert table["y_um"].iloc[0] == pytest.approx(y_um)


@pytest.mark.parametrize(("unit", "y_um"), [("micron", 10.0), ("pixel", 5.0), ("mm", 10000.0)])
def test_units_of_tables(tmp_path, unit, y_um):
    assert read_tracks(save_tables(tmp_path, unit), 0.5)["y_um"].iloc[0] == pytest.approx(y_um)


def test_unknown_unit(tmp_path):
    with pytest.raises(ReaderError, match=r"pixels, found the unit 'cubit'\. Set the unit"):
        read_tracks(save(tmp_path, xml("cubit", None)), 1.0)


def test_filtered_tracks_are_left_out(tmp_path):
    assert cells(read_tracks(save(tmp_path, xml(shown=[1])), 1.0)) == {30: (1, 0), 31: (1, 0)}


def test_merging(tmp_path):
    tracks = {0: [(11, 12), (30, 12), (12, 15)]}
    path = save(tmp_path, xml(tracks=tracks))
    with pytest.warns(MetadataWarning, match=r"1 track\(s\) merge into another, which cells do"):
        table = read_tracks(path, 1.0)
    assert cells(table) == {11: (1, 0), 12: (1, 0), 15: (1, 0), 30: (2, 0)}


def test_edges_that_are_listed_twice(tmp_path):
    assert cells(read_tracks(save(tmp_path, xml(tracks={0: [(30, 31), (31, 30)]})), 1.0)) == {
        30: (1, 0),
        31: (1, 0),
    }


def test_no_table_of_edges(tmp_path):
    path = save_tables(tmp_path)
    (tmp_path / "edges.csv").unlink()
    message = r"with that of edges beside it, as spots\.csv and edges\.csv, found no table of edges"
    with pytest.raises(ReaderError, match=message):
        read_tracks(path, 1.0)
    path.rename(tmp_path / "export.csv")
    with pytest.raises(ReaderError, match=message):
        read_tracks(tmp_path / "export.csv", 1.0)


@pytest.mark.parametrize(
    ("spots", "edges"),
    [
        ("A,B\n1,2\n", None),
        ("", None),
        (None, "SPOT_SOURCE_ID\n1\n"),
        ("ID,FRAME,POSITION_Y,POSITION_X\n1,0,5,5\n2,1,here,5\n", None),
        ("ID,FRAME,POSITION_Y,POSITION_X\n1,0,5,5\n,1,5,5\n", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_another_table(tmp_path, spots, edges):
    path = save_tables(tmp_path)
    for name, content in (("spots.csv", spots), ("edges.csv", edges)):
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
    with pytest.raises(ReaderError, match=r"table that TrackMate exported, with the columns .+: "):
        read_tracks(path, 1.0)


DOCTYPE = """<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;">]>\n"""
EXTERNAL = '<!DOCTYPE foo SYSTEM "file:///etc/passwd">\n'


@pytest.mark.parametrize("head", [DOCTYPE, EXTERNAL])
def test_document_types_are_refused(tmp_path, head):
    with pytest.raises(ReaderError, match="damaged one: a document type, which TrackMate"):
        read_tracks(save(tmp_path, xml(head=head)), 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        xml()[:600],
        xml().replace('FRAME="0"', "", 1),
        xml().replace('ID="11"', 'ID="eleven"', 1),
        xml().replace('FRAME="0"', 'FRAME="inf"', 1),
        xml().replace('FRAME="0"', 'FRAME="1e300"', 1),
        xml().replace('ID="11"', f'ID="{10**22}"', 1),
        xml(tracks={10**22: [(11, 12)]}),
        xml(tracks={0: [(11, 10**22)]}),
        xml(width="wide"),
        xml().replace("µm", "µm &undefined;"),
    ],
)
def test_damaged_xml(tmp_path, text):
    with pytest.raises(ReaderError, match=r"that TrackMate saves, found a damaged one: .+"):
        read_tracks(save(tmp_path, text), 1.0)


def test_another_xml(tmp_path):
    with pytest.raises(ReaderError, match=r"found one of <Tracks>\. Give the file that the button"):
        read_tracks(save(tmp_path, xml(root="Tracks")), 1.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (xml(tracks={}), "no tracks"),
        (xml(shown=[]), "no tracks"),
        (xml(tracks={0: [(11, 99)]}), "edges between spots that are not listed once each"),
    ],
)
def test_spots_and_edges_disagree(tmp_path, text, found):
    with pytest.raises(ReaderError, match=rf"join them to tracks, found {found}\. Finish"):
        read_tracks(save(tmp_path, text), 1.0)


@pytest.mark.parametrize(
    "text",
    [
        xml(tracks={0: [(11, 30)]}),
        xml(spots={1: (-1, 0, 0), 2: (0, 0, 0)}, tracks={0: [(1, 2)]}),
        xml(spots={1: (0, "nan", 0), 2: (1, 0, 0)}, tracks={0: [(1, 2)]}),
        xml(spots={1: (0, "inf", 0), 2: (1, 0, 0)}, tracks={0: [(1, 2)]}),
        xml(spots={1: (0, 0, "-inf"), 2: (1, 0, 0)}, tracks={0: [(1, 2)]}),
    ],
)
def test_edges_that_go_nowhere(tmp_path, text):
    with pytest.raises(ReaderError, match="found an edge within a frame, a frame below 0,"):
        read_tracks(save(tmp_path, text), 1.0)


@pytest.mark.parametrize(("name", "found"), [("a.txt", "another file"), ("b.txt", "nothing there")])
def test_neither(tmp_path, name, found):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ReaderError, match=rf"spots\.csv, found {found}\. Check track\.file\."):
        read_tracks(tmp_path / name, 1.0)
