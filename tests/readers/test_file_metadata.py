"""Metadata of OME-XML, ImageJ, MetaMorph and plain tags: units, stamps, names, bits."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from recordings import ome_files, ome_stamped, ome_xml, pixels, stk, write_ome

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers import open_movie
from zincflux.readers.metadata import length_um, resolution_um, saturation_level, seconds
from zincflux.readers.metamorph import facts as metamorph_facts
from zincflux.readers.ome import facts as ome_facts
from zincflux.readers.ome import parse
from zincflux.readers.tiff import started

SIZES = {"X": 10, "Y": 12, "C": 1, "Z": 1, "T": 3}


def write(tmp_path: Path, **xml: object) -> Path:
    return write_ome(tmp_path / "x.ome.tif", pixels(3, 12, 10), ome_xml(SIZES, **xml))


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("µm", 1.0), ("μm", 1.0), ("um", 1.0), ("micron", 1.0), ("Micron", 1.0),
        ("\\u00B5m", 1.0), ("Âµm", 1.0), (" um ", 1.0), ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4),
        ("m", 1e6), ("inch", 25400.0), ("Å", 1e-4), ("\u212b", 1e-4), ("pm", 1e-6),
        ("pixel", None), ("reference frame", None), ("", None),
    ],
)  # fmt: skip
def test_lengths_become_um(unit: str, value: float | None) -> None:
    assert length_um(1.0, unit) == value


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("s", 1.0),
        ("sec", 1.0),
        ("ms", 1e-3),
        ("µs", 1e-6),
        ("min", 60.0),
        ("h", 3600.0),
        ("x", None),
    ],
)
def test_durations_become_s(unit: str, value: float | None) -> None:
    assert seconds(1.0, unit) == value


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_impossible_lengths_are_unknown(value: float) -> None:
    assert length_um(value, "um") is None


@given(st.integers(1, 40), st.sampled_from(["u1", "u2", "i2", "u4", "f4", "?"]))
def test_saturation_level_fits_the_dtype(bits: int, dtype: str) -> None:
    level = saturation_level(np.dtype(dtype), bits)
    if np.dtype(dtype).kind in "iu":
        assert level == min(2**bits - 1, np.iinfo(dtype).max)
        assert saturation_level(np.dtype(dtype), None) == np.iinfo(dtype).max
    else:
        assert level is None


def test_stamped_ome(tmp_path: Path) -> None:
    movie = open_movie(ome_stamped(tmp_path).path)
    assert movie.channels == ("405", "YFP")
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    np.testing.assert_allclose(movie.time_s, [0, 2, 5])
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)


def test_exposure_that_is_not_known_everywhere_is_none(tmp_path: Path) -> None:
    path = write(tmp_path, planes='<Plane TheT="0" TheC="0" TheZ="0" ExposureTime="0.1"/>')
    assert open_movie(path).exposure_s is None


def _planes(*times: float) -> str:
    return "".join(
        f'<Plane TheT="{t}" TheC="0" TheZ="0" DeltaT="{time}"/>' for t, time in enumerate(times)
    )


def test_stamps_that_do_not_increase_are_not_used(tmp_path: Path) -> None:
    path = write(tmp_path, planes=_planes(5, 3, 9), pixels_attributes='TimeIncrement="4"')
    with pytest.warns(MetadataWarning, match="expected time stamps that increase"):
        movie = open_movie(path)
    np.testing.assert_allclose(movie.time_s, [0, 4, 8])
    with pytest.warns(MetadataWarning, match="replaces the file's 4"):
        assert open_movie(path, frame_interval_s=2).time_s[1] == 2


def test_stamps_that_are_all_zero_are_no_stamps(tmp_path: Path) -> None:
    assert open_movie(write(tmp_path, planes=_planes(0, 0, 0))).time_s is None


def test_stamps_for_a_part_of_the_frames_are_not_used(tmp_path: Path) -> None:
    path = write(tmp_path, planes=_planes(0, 1), pixels_attributes='TimeIncrement="4"')
    np.testing.assert_allclose(open_movie(path).time_s, [0, 4, 8])


def test_stamps_outside_the_recording_and_odd_numbers_are_passed_over(tmp_path: Path) -> None:
    planes = _planes(0, 1, 2, 3) + '<Plane TheT="0" TheC="0" TheZ="0" DeltaT="soon"/>'
    path = write(tmp_path, planes=planes, pixels_attributes='PhysicalSizeX="wide"')
    movie = open_movie(path)
    np.testing.assert_allclose(movie.time_s, [0, 1, 2])
    assert movie.pixel_size_um is None


def test_time_units_of_ome(tmp_path: Path) -> None:
    path = write(tmp_path, pixels_attributes='TimeIncrement="0.5" TimeIncrementUnit="min"')
    np.testing.assert_allclose(open_movie(path).time_s, [0, 30, 60])


def test_oblong_pixels_are_not_used(tmp_path: Path) -> None:
    path = write(tmp_path, pixels_attributes='PhysicalSizeX="1" PhysicalSizeY="1.2"')
    with pytest.warns(MetadataWarning, match=r"1 µm wide and 1\.2 µm high.*movie\.pixel_size_um"):
        assert open_movie(path).pixel_size_um is None


def test_one_side_of_a_pixel_is_enough(tmp_path: Path) -> None:
    assert open_movie(write(tmp_path, pixels_attributes='PhysicalSizeX="0.5"')).pixel_size_um == 0.5


def test_absent_part_of_a_recording_is_named(tmp_path: Path) -> None:
    path = ome_files(tmp_path).path
    (tmp_path / "two_c1.ome.tif").unlink()
    with pytest.raises(ReaderError, match=r"second file 'two_c1\.ome\.tif', which is not beside"):
        open_movie(path)


def test_part_of_a_recording_names_the_main_file(tmp_path: Path) -> None:
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="main.ome.tif" UUID="urn:uuid:1"/></OME>'
    )
    path = write_ome(tmp_path / "part.ome.tif", pixels(2, 12, 10), xml)
    with pytest.raises(ReaderError, match=r"its description, 'main\.ome\.tif', is not beside"):
        open_movie(path)


def test_broken_xml_is_reported(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "x.ome.tif", pixels(2, 12, 10), "<OME><Image></OME>")
    with pytest.raises(ReaderError, match="found broken XML"):
        open_movie(path)


def test_ome_without_pixels_says_nothing(tmp_path: Path) -> None:
    xml = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/x"><Image/></OME>'
    path = write_ome(tmp_path / "x.ome.tif", pixels(1, 12, 10), xml)
    assert open_movie(path).pixel_size_um is None


def test_start_of_a_recording(tmp_path: Path) -> None:
    for text, year in (("2024-05-06T07:08:09", 2024), ("yesterday", None)):
        date = f"<AcquisitionDate>{text}</AcquisitionDate>"
        found = started(write(tmp_path, before_pixels=date))
        assert (found.year if found else None) == year
    assert started(stk(tmp_path).path) is None


def image_j(tmp_path: Path, *, resolution=None, unit: str | None = None, **metadata) -> Path:
    path = tmp_path / "ij.tif"
    tifffile.imwrite(
        path,
        pixels(3, 2, 12, 10),
        imagej=True,
        resolution=resolution,
        metadata={"axes": "TCYX", **({"unit": unit} if unit else {}), **metadata},
    )
    return path


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        (2.0, "micron", 0.5), (2.0, "\\u00B5m", 0.5), (2.0, "um", 0.5), (2000.0, "mm", 0.5),
        (0.002, "nm", 0.5), (50800.0, "inch", 0.5), (72.0, "inch", None), (2.0, "pixel", None),
        (2.0, None, None),
    ],
)  # fmt: skip
def test_imagej_calibration(tmp_path: Path, resolution, unit, expected) -> None:
    movie = open_movie(image_j(tmp_path, resolution=(resolution, resolution), unit=unit))
    assert movie.pixel_size_um == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_imagej_interval_and_its_unit(tmp_path: Path) -> None:
    assert open_movie(image_j(tmp_path, finterval=0.0, fps=7.0)).time_s is None
    assert open_movie(image_j(tmp_path, finterval=250.0, tunit="ms")).time_s[1] == 0.25


def test_imagej_labels_name_channels_only_where_they_tell_them_apart(tmp_path: Path) -> None:
    for labels, expected in (
        (["CFP", "YFP"] * 3, ("CFP", "YFP")),
        (["CFP t1", "YFP t1", "CFP t2", "YFP t2", "CFP t3", "YFP t3"], ("C0", "C1")),
        (["slice"] * 6, ("C0", "C1")),
        (["", "YFP"] * 3, ("C0", "C1")),
        (["CFP"], ("C0", "C1")),
    ):
        assert open_movie(image_j(tmp_path, Labels=labels)).channels == expected


def test_imagej_info_gives_bits(tmp_path: Path) -> None:
    movie = open_movie(image_j(tmp_path, Info=" BitsPerPixel = 12\n SizeX = 10\n"))
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)


def test_metamorph(tmp_path: Path) -> None:
    movie = open_movie(stk(tmp_path).path)
    assert movie.channels == ("Cy5",)
    np.testing.assert_allclose(movie.exposure_s, [[0.3]] * 3)


def test_metamorph_that_says_little() -> None:
    facts = metamorph_facts({"NumberPlanes": 2, "PlaneDescriptions": ["no exposure"]}, "x.stk")
    assert facts.pixel_size_um is facts.plane_time_s is facts.plane_exposure_s is facts.bits is None
    bits = [{"name": "Gain", "value": 1}, {"name": "Camera Bit Depth", "value": 14.0}]
    assert metamorph_facts({"PlaneProperty": bits}, "x.stk").bits == 14


def test_plain_tags_give_a_pixel_size_but_no_print_resolution(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    for unit, per_unit, expected in (
        ("CENTIMETER", 20000, 0.5), ("INCH", 72, None), ("INCH", 50800, 0.5), ("NONE", 2, None),
    ):  # fmt: skip
        tifffile.imwrite(
            path,
            pixels(12, 10),
            metadata=None,
            resolution=(per_unit, per_unit),
            resolutionunit=unit,
        )
        found = open_movie(path).pixel_size_um
        assert found == (None if expected is None else pytest.approx(expected))


def test_no_resolution_is_no_pixel_size() -> None:
    assert resolution_um(0.0, 1.0, "um", "x.tif") is None


def test_scene_is_found_by_its_name_where_numbers_are_shifted(tmp_path: Path) -> None:
    xml = ome_xml(SIZES, pixels_attributes='PhysicalSizeX="0.5"')
    odd = '<Image ID="Image:9" Name="overview"><Pixels SizeT="1"><TiffData/></Pixels></Image>'
    root = parse(xml.replace("<Image ", odd + "<Image ", 1), tmp_path)
    assert ome_facts(root, 0, "dish", "T", [3]).pixel_size_um == 0.5
    assert ome_facts(root, 7, "elsewhere", "T", [3]).pixel_size_um is None
    bare = parse('<OME><Image Name="dish"/></OME>', tmp_path)
    assert ome_facts(bare, 0, "dish", "T", [3]).pixel_size_um is None


def test_stamps_of_planes_with_unknown_axes_are_not_placed(tmp_path: Path) -> None:
    root = parse(ome_xml(SIZES, planes=_planes(0, 1, 2)), tmp_path)
    assert ome_facts(root, 0, "dish", "TA", [3, 2]).plane_time_s is None
