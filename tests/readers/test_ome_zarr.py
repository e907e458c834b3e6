"""OME-Zarr: metadata, collections, laziness, labels."""

import json
import pickle
import shutil

import numpy as np
import pytest
from recordings import PIXEL_UM, pixels
from zarrs import change, multiscale, omero, write_array, write_group, write_image

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, input_files, open_labels, open_movie, read_image, read_labels

zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")

DATA = pixels(3, 2, 20, 24)
SCALE = [2, 1, PIXEL_UM, PIXEL_UM]


@pytest.fixture
def dish(tmp_path):
    return write_image(tmp_path / "dish.ome.zarr", DATA, scale=SCALE, omero=omero("a", "b"))


def json_of(path):
    return json.loads((path / "zarr.json").read_text(encoding="utf-8"))


# Metadata


@pytest.mark.parametrize(
    ("unit", "scale", "expected_um"),
    [
        ("nanometer", 650, 0.65),
        ("micrometer", 0.65, 0.65),
        ("millimeter", 6.5e-4, 0.65),
        ("meter", 6.5e-7, 0.65),
        ("angstrom", 6500, 0.65),
        ("picometer", 650_000, 0.65),
        ("pixel", 1, None),
        (None, 1, None),
    ],
)
def test_units_of_length(tmp_path, unit, scale, expected_um):
    units = {"y": unit, "x": unit, "t": "second"}
    path = write_image(tmp_path / "a.zarr", DATA, scale=[2, 1, scale, scale], units=units)
    assert open_movie(path).pixel_size_um == (expected_um and pytest.approx(expected_um))


@pytest.mark.parametrize(
    ("unit", "scale", "expected_s"),
    [
        ("millisecond", 2000, 2),
        ("microsecond", 2e6, 2),
        ("nanosecond", 2e9, 2),
        ("minute", 0.5, 30),
        ("hour", 2, 7200),
        ("day", 1, 86400),
        ("lightyear", 2, None),
        (None, 1, None),
    ],
)
def test_units_of_time(tmp_path, unit, scale, expected_s):
    units = {"y": "micrometer", "x": "micrometer", "t": unit}
    path = write_image(tmp_path / "a.zarr", DATA, scale=[scale, 1, 1, 1], units=units)
    time_s = open_movie(path).time_s
    assert (time_s if time_s is None else time_s[1]) == (expected_s and pytest.approx(expected_s))


def test_a_number_without_a_unit_is_not_taken_for_um(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA, scale=SCALE, units={})
    with pytest.warns(MetadataWarning) as warned:
        movie = open_movie(path)
    texts = [str(item.message) for item in warned]
    assert "the scale 2 of axis T has no unit and is not used. Set movie.frame_interval" in texts[0]
    assert "the scale 0.65 of axis X has no unit" in texts[1]
    assert (movie.pixel_size_um, movie.time_s) == (None, None)


def test_pixels_that_are_not_square(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA, scale=[2, 1, 0.5, 0.65])
    with pytest.warns(MetadataWarning, match=r"expected square pixels"):
        assert open_movie(path).pixel_size_um is None


@pytest.mark.parametrize(
    "step",
    [
        {"type": "identity"},
        {"type": "scale", "path": "elsewhere"},
        {"type": "scale", "scale": [1, 2]},
        {"type": "scale", "scale": [2, 1, "a", 0.65]},
        {"type": "scale", "scale": [2, 1, 0, 0]},
        "scale",
    ],
)
def test_scales_that_say_nothing(tmp_path, step):
    path = write_image(tmp_path / "a.zarr", DATA)
    change(
        path / "zarr.json",
        *("attributes", "ome", "multiscales", 0, "datasets", 0, "coordinateTransformations"),
        to=[step],
    )
    assert open_movie(path).pixel_size_um is None


def test_names_of_channels(tmp_path, dish):
    assert open_movie(dish).channels == ("a", "b")
    path = write_image(tmp_path / "a.zarr", DATA, omero=omero("a"))
    assert open_movie(path).channels == ("C0", "C1")
    path = write_image(tmp_path / "b.zarr", DATA, omero={"channels": [{"color": "F"}] * 2})
    assert open_movie(path).channels == ("C0", "C1")


def test_axes_of_length_one_are_left_out(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA[:, :1, np.newaxis], "tczyx", [2, 1, 1, 1, 1])
    movie = open_movie(path)
    assert (movie.source.axes, movie.source.shape) == ("TYX", (3, 20, 24))
    np.testing.assert_array_equal(movie.frame(2), DATA[2, :1])


def test_stacks_in_z(tmp_path):
    stack = pixels(3, 4, 20, 24)
    path = write_image(tmp_path / "a.zarr", stack, "tzyx", [2, 1, 1, 1])
    with pytest.raises(ExperimentError, match=r"found 4 planes in z. Set movie.z"):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, z="max").frame(1)[0], stack[1].max(axis=0))
    np.testing.assert_allclose(open_movie(path, z="mean").frame(1)[0], stack[1].mean(axis=0))
    np.testing.assert_array_equal(open_movie(path, z=3).frame(2)[0], stack[2, 3])


def test_an_axis_that_is_none_of_ours_is_asked_for(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA, "qcyx", [1, 1, 1, 1])
    with pytest.raises(ExperimentError, match=r'length 3 is .*Set movie\.axes: "TCYX"'):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, axes="TCYX").frame(1), DATA[1])


@pytest.mark.parametrize("version", ["0.2", "0.3"])
def test_older_versions(tmp_path, version):
    data = DATA[:, :, np.newaxis]
    path = write_image(tmp_path / "a.zarr", data, "tczyx", version="0.4")
    described = {"version": version, "datasets": [{"path": "0"}]}
    if version == "0.3":
        described["axes"] = list("tczyx")
    write_group(path, {"multiscales": [described]}, "0.4")
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(1), DATA[1])
    assert movie.pixel_size_um is None


def test_times_of_frames_that_are_not_evenly_apart(dish):
    change(dish / "zarr.json", "attributes", "zincflux", to={"time_s": [0, 2, 7]})
    np.testing.assert_array_equal(open_movie(dish).time_s, [0, 2, 7])


@pytest.mark.parametrize("told", [[0, 1], [0, 1, "x"], "often"])
def test_times_that_do_not_fit_are_not_used(dish, told):
    change(dish / "zarr.json", "attributes", "zincflux", to={"time_s": told})
    np.testing.assert_array_equal(open_movie(dish).time_s, [0, 2, 4])


def test_joined_in_time(dish, tmp_path):
    other = write_image(tmp_path / "second.zarr", DATA + 1, scale=SCALE, omero=omero("a", "b"))
    movie = open_movie([dish, other])
    np.testing.assert_array_equal(movie.time_s, np.arange(6) * 2)
    np.testing.assert_array_equal(movie.frame(5), DATA[2] + 1)


# Collections


@pytest.fixture
def plate(tmp_path):
    """Two wells, the first with two fields."""
    for version in ("0.4", "0.5"):
        root = tmp_path / f"plate{version}.zarr"
        wells = {"A/1": ["0", "1"], "B/12": ["0"]}
        write_group(root, {"plate": {"wells": [{"path": well} for well in wells]}}, version)
        for n, (well, fields) in enumerate(wells.items()):
            write_group(root / well, {"well": {"images": [{"path": f} for f in fields]}}, version)
            for m, field in enumerate(fields):
                write_image(root / well / field, DATA + 2 * n + m, scale=SCALE, version=version)
    return tmp_path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_plate(plate, version):
    root = plate / f"plate{version}.zarr"
    with pytest.warns(MetadataWarning, match=r"3 scenes \(A/1/0, A/1/1, B/12/0\); the first"):
        movie = open_movie(root)
    np.testing.assert_array_equal(movie.frame(0), DATA[0])
    assert describe(root, scene=0)["scenes"] == ["A/1/0", "A/1/1", "B/12/0"]
    np.testing.assert_array_equal(open_movie(root, scene=2).frame(1), DATA[1] + 2)
    np.testing.assert_array_equal(open_movie(root / "A/1", scene=1).frame(0), DATA[0] + 1)
    np.testing.assert_array_equal(open_movie(root / "B/12/0").frame(0), DATA[0] + 2)
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 2"):
        open_movie(root, scene=3)


def test_a_well_of_the_plate_is_absent(plate):
    root = plate / "plate0.5.zarr"
    shutil.rmtree(root / "B")
    with pytest.raises(ReaderError, match=r"B.12: expected Zarr, found no zarr\.json"):
        open_movie(root, scene=0)


XML = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{}</OME>"""
IMAGE = """<Image ID="Image:{0}" Name="stage {0}"><Pixels ID="Pixels:{0}" SizeX="24" SizeY="20"
SizeC="2" SizeT="3" SizeZ="1" Type="uint16" DimensionOrder="XYZCT" SignificantBits="12"
PhysicalSizeX="0.65" PhysicalSizeY="0.65"><Channel ID="Channel:0" Name="CFP"/>
<Channel ID="Channel:1" Name="YFP"/><MetadataOnly/>{1}</Pixels></Image>"""
PLANE = '<Plane TheT="{}" TheC="{}" TheZ="0" DeltaT="{}" ExposureTime="0.1"/>'


@pytest.fixture
def collection(tmp_path):
    root = write_group(tmp_path / "c.zarr", {"bioformats2raw.layout": 3})
    for n in range(2):
        write_image(root / str(n), DATA + n)
    planes = "".join(PLANE.format(t, c, 3 * t + t**2) for t in range(3) for c in range(2))
    (root / "OME").mkdir()
    text = XML.format(IMAGE.format(0, "") + IMAGE.format(1, planes))
    (root / "OME/METADATA.ome.xml").write_text(text, encoding="utf-8")
    return root


def test_collection_of_bioformats2raw(collection):
    with pytest.warns(MetadataWarning, match=r"2 scenes \(0, 1\); the first is read"):
        first = open_movie(collection)
    assert first.time_s is None
    movie = open_movie(collection, scene=1)
    np.testing.assert_array_equal(movie.frame(0), DATA[0] + 1)
    assert movie.channels == ("CFP", "YFP")
    assert movie.pixel_size_um == PIXEL_UM
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    np.testing.assert_array_equal(movie.time_s, [0, 4, 10])
    np.testing.assert_array_equal(movie.exposure_s, np.full((3, 2), 0.1))
    assert open_movie(collection / "1").channels == ("C0", "C1")


def test_collection_that_names_its_series(collection):
    shutil.move(collection / "1", collection / "second")
    write_group(collection / "OME", {"series": ["second", "0"]})
    np.testing.assert_array_equal(open_movie(collection, scene=0).frame(0), DATA[0] + 1)
    assert describe(collection, scene=1)["scenes"] == ["second", "0"]


def test_collection_without_xml(collection):
    shutil.rmtree(collection / "OME")
    assert open_movie(collection, scene=0).pixel_size_um is None


@pytest.mark.parametrize(
    ("data", "found"), [(b"<OME", "broken XML"), (b"\xff\xfe\xff", "bytes that are no text")]
)
def test_collection_with_broken_xml(collection, data, found):
    (collection / "OME/METADATA.ome.xml").write_bytes(data)
    with pytest.raises(ReaderError, match=found):
        open_movie(collection, scene=0)


def test_several_images_in_a_group(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA)
    write_array(path / "other", DATA + 1)
    both = [multiscale("tcyx", SCALE), multiscale("tcyx", SCALE, path="other", name="")]
    write_group(path, {"multiscales": both})
    with pytest.warns(MetadataWarning, match=r"2 scenes \(dish, image 1\)"):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, scene=1).frame(0), DATA[0] + 1)


# Plain arrays


def test_array_whose_axes_are_not_named(tmp_path):
    path = write_array(tmp_path / "a.zarr", DATA[:, 0], "0.4")
    with pytest.raises(ExperimentError, match=r'Set movie\.axes: "TYX"'):
        open_movie(path)
    movie = open_movie(path, axes="TYX")
    np.testing.assert_array_equal(movie.frame(1)[0], DATA[1, 0])
    assert movie.source.format == "Zarr array"


def test_array_whose_axes_xarray_has_named(tmp_path):
    names = {"_ARRAY_DIMENSIONS": ["time", "t", "y", "x"]}
    path = write_array(tmp_path / "a.zarr", DATA, "0.4", attributes=names)
    with pytest.raises(ExperimentError, match=r"does not say what its axis of length 3 is"):
        open_movie(path)
    names = {"_ARRAY_DIMENSIONS": ["t", "c", "y", "x"]}
    path = write_array(tmp_path / "b.zarr", DATA, "0.4", attributes=names)
    np.testing.assert_array_equal(open_movie(path).frame(2), DATA[2])


# Laziness


def count_reads(monkeypatch):
    keys = []
    whole = zarr.storage.LocalStore.get

    async def get(self, key, *args, **options):
        keys.append(key)
        return await whole(self, key, *args, **options)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", get)
    return keys


def test_a_frame_reads_its_chunks_only(dish, monkeypatch):
    movie = open_movie(dish)
    keys = count_reads(monkeypatch)
    movie.frame(1)
    assert sorted(keys) == ["c/1/0/0/0", "c/1/1/0/0"]


def test_a_chunk_of_many_planes_is_read_once(tmp_path, monkeypatch):
    stack = pixels(2, 3, 8, 20, 24)
    path = write_image(tmp_path / "a.zarr", stack, "tczyx", chunks=(1, 1, 4, 20, 24))
    movie = open_movie(path, z="max")
    keys = count_reads(monkeypatch)
    np.testing.assert_array_equal(movie.frame(1), stack[1].max(axis=1))
    assert len(keys) == len(set(keys)) == 6
    # A stack that is too large to be read at once is read by chunks.
    monkeypatch.setattr("zincflux.readers.array_planes._SLAB_BYTES", 1000)
    keys.clear()
    np.testing.assert_array_equal(movie.frame(0), stack[0].max(axis=1))
    assert len(keys) == len(set(keys)) == 6


def test_a_movie_can_be_sent_to_another_process(dish):
    movie = pickle.loads(pickle.dumps(open_movie(dish)))
    np.testing.assert_array_equal(movie.frame(1), DATA[1])


def test_a_movie_of_zarr_2_can_be_sent_to_another_process(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA, version="0.4")
    movie = pickle.loads(pickle.dumps(open_movie(path)))
    np.testing.assert_array_equal(movie.frame(1), DATA[1])


# Chunks that are absent


def test_frames_that_were_never_recorded(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA, scale=SCALE)
    shutil.rmtree(path / "0/c/2")
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2; these are read"):
        movie = open_movie(path)
    assert movie.n_frames == 2
    np.testing.assert_array_equal(movie.time_s, [0, 2])


def test_half_a_chunk_of_frames_is_cut_whole(tmp_path):
    data = pixels(5, 1, 20, 24)
    path = write_image(tmp_path / "a.zarr", data, scale=SCALE, chunks=(2, 1, 10, 24))
    shutil.rmtree(path / "0/c/2")
    with pytest.warns(MetadataWarning, match=r"announces 5 frames but holds 4"):
        assert open_movie(path).n_frames == 4


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_gaps_are_read_as_zarr_defines_them(tmp_path, version):
    path = write_image(tmp_path / "a.zarr", DATA, scale=SCALE, version=version)
    (path / ("0/c/1/0/0/0" if version == "0.5" else "0/1.0.0.0")).unlink()
    (path / "0/.DS_Store").write_text("no chunk")
    (path / "0/9.0.0.0").write_text("no chunk of this array")
    with pytest.warns(MetadataWarning, match=r"1 of 6 chunks are absent and read as 0"):
        movie = open_movie(path)
    assert not movie.frame(1)[0].any()
    np.testing.assert_array_equal(movie.frame(1)[1], DATA[1, 1])


def test_no_pixels_at_all(dish):
    shutil.rmtree(dish / "0/c")
    with pytest.raises(ReaderError, match=r"expected pixels, found none of the 6 chunks"):
        open_movie(dish)


def test_a_still_with_a_gap(tmp_path):
    path = write_image(tmp_path / "a.zarr", DATA[0], "cyx")
    (path / "0/c/1/0/0").unlink()
    with pytest.warns(MetadataWarning, match=r"1 of 2 chunks are absent"):
        open_movie(path)


# Images and labels beside a movie


def test_dark_image(tmp_path):
    path = write_image(tmp_path / "dark.zarr", DATA[:, 0], "tyx")
    np.testing.assert_allclose(read_image(path), DATA[:, 0].mean(axis=0))
    with pytest.raises(ReaderError, match=r"expected an image or a stack of images"):
        read_image(write_image(tmp_path / "more.zarr", DATA))


def test_labels(tmp_path):
    labels = np.zeros((3, 20, 24), np.uint16)
    labels[0, 3:6, 3:6] = 7
    path = write_group(
        tmp_path / "cells.zarr", {"multiscales": [multiscale("tyx", None)], "image-label": {}}
    )
    with zarr.config.set({"array.write_empty_chunks": False}):
        array = zarr.create_array(
            store=zarr.storage.LocalStore(path / "0"),
            shape=labels.shape,
            dtype=labels.dtype,
            chunks=(1, 20, 24),
            fill_value=0,
        )
        array[...] = labels
    # Frames without cells have no chunk, which needs no warning.
    found = open_labels(path, (3, 20, 24))
    assert found.shape == (3, 20, 24)
    for t in range(3):
        np.testing.assert_array_equal(found[t], labels[t])
    assert input_files(path) == (path / "zarr.json", path / "0")
    assert read_labels(path)[0].dtype == np.int32
