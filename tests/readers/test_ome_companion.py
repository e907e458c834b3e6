"""OME companion files, and OME-TIFFs that are described in another file."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import COMPANION_XML, ome_files, ome_xml, pixels, write_companion, write_ome

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.formats import reader_of

DATA = pixels(2, 3, 2, 20, 24)


@pytest.fixture
def companion(tmp_path: Path) -> Path:
    return write_companion(tmp_path, DATA)


def edit(path: Path, old: str, new: str, count: int = -1) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")
    return path


def test_images_are_scenes(companion: Path) -> None:
    with pytest.warns(MetadataWarning, match=r"2 scenes \(dish 0, dish 1\); the first is read"):
        movie = open_movie(companion)
    np.testing.assert_array_equal(movie.frame(2), DATA[0, 2])
    assert describe(companion, scene=1)["scenes"] == ["dish 0", "dish 1"]
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 1"):
        open_movie(companion, scene=2)


def test_metadata_is_that_of_the_scene(companion: Path) -> None:
    edit(companion, 'PhysicalSizeX="0.65" PhysicalSizeY="0.65"', 'PhysicalSizeX="0.5"', 1)
    assert open_movie(companion, scene=0).pixel_size_um == 0.5
    movie = open_movie(companion, scene=1)
    assert movie.pixel_size_um == 0.65
    assert movie.channels == ("CFP", "YFP")
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)
    assert movie.source.format == "OME-TIFF"
    assert movie.source.paths[0] == companion
    assert len(movie.source.paths) == 4


@pytest.mark.parametrize("position", [0, 1])
def test_a_part_opens_the_set_at_its_own_scene(companion: Path, position: int) -> None:
    for t in range(3):
        movie = open_movie(companion.with_name(f"dish_p{position}_t{t}.ome.tif"))
        np.testing.assert_array_equal(movie.frame(1), DATA[position, 1])
        assert movie.source.name == str(companion)
        assert movie.source.scenes == ("dish 0", "dish 1")
    other = open_movie(companion.with_name("dish_p0_t0.ome.tif"), scene=1)
    np.testing.assert_array_equal(other.frame(1), DATA[1, 1])


def test_tiffs_need_no_description_of_their_own(tmp_path: Path) -> None:
    path = write_companion(tmp_path, DATA, own_xml=False)
    np.testing.assert_array_equal(open_movie(path, scene=1).frame(2), DATA[1, 2])


def test_tiffs_in_a_folder_below(companion: Path) -> None:
    (companion.parent / "parts").mkdir()
    for t in range(3):
        part = companion.with_name(f"dish_p0_t{t}.ome.tif")
        part.rename(companion.parent / "parts" / part.name)
    edit(companion, 'FileName="dish_p0', 'FileName="parts/dish_p0')
    np.testing.assert_array_equal(open_movie(companion, scene=0).frame(2), DATA[0, 2])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(companion: Path, encoding: str) -> None:
    text = companion.read_text(encoding="utf-8").replace("UTF-8", encoding.upper()[:6].rstrip("-S"))
    companion.write_text(text, encoding=encoding)
    np.testing.assert_array_equal(open_movie(companion, scene=1).frame(0), DATA[1, 0])


def test_start_of_the_recording(companion: Path) -> None:
    for path in (companion, companion.with_name("dish_p1_t2.ome.tif")):
        assert reader_of(path).started(path).year == 2024


def test_absent_part_is_named(companion: Path) -> None:
    companion.with_name("dish_p1_t2.ome.tif").unlink()
    with pytest.raises(ReaderError, match=r"file 'dish_p1_t2\.ome\.tif', which is not beside it"):
        open_movie(companion)


def test_absent_companion_is_named(companion: Path) -> None:
    companion.unlink()
    with pytest.raises(ReaderError, match=r"its description, 'dish\.companion\.ome', is not"):
        open_movie(companion.with_name("dish_p1_t2.ome.tif"))


@pytest.mark.parametrize(
    "name",
    [
        "../dish_p0_t0.ome.tif", "/etc/passwd", "a/../../b.tif", "C:\\x.tif", "C:x.tif",
        "..\\x.tif", "\\\\server\\share\\x.tif", "//server/share/x.tif", "a&#10;b.tif",
    ],
)  # fmt: skip
def test_names_that_lead_out_of_the_folder(companion: Path, name: str) -> None:
    edit(companion, "dish_p0_t0.ome.tif", name)
    with pytest.raises(ReaderError, match=r"which leads out of it\. Do not open this file"):
        open_movie(companion)


def test_pointer_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    xml = '<OME><BinaryOnly MetadataFile="../../x.companion.ome" UUID="urn:uuid:1"/></OME>'
    path = write_ome(tmp_path / "part.ome.tif", DATA[0, 0], xml)
    with pytest.raises(ReaderError, match=r"which leads out of it"):
        open_movie(path)


def test_other_files_of_an_ome_tiff_stay_in_its_folder(tmp_path: Path) -> None:
    block = '<TiffData><UUID FileName="../x.tif">urn:uuid:2</UUID></TiffData>'
    xml = ome_xml({"X": 24, "Y": 20, "C": 2, "Z": 1, "T": 1}, tiff_data=block)
    path = write_ome(tmp_path / "x.ome.tif", DATA[0, 0], xml)
    with pytest.raises(ReaderError, match=r"which leads out of it"):
        open_movie(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<UUID FileName=", "<UUID Name="),
        ("<TiffData IFD", "<TiffData/><TiffData IFD"),
        ("TiffData", "BinData"),
    ],
)
def test_every_plane_needs_a_file(companion: Path, old: str, new: str) -> None:
    edit(companion, old, new)
    with pytest.raises(ReaderError, match=r"names the TIFF file of every plane, found \d+ names"):
        open_movie(companion)


def test_entities_are_bounded(companion: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE OME [<!ENTITY e0 "ha">{levels}]><OME>&e11;</OME>'
    companion.write_text(bomb, encoding="utf-8")
    start = time.perf_counter()
    with pytest.raises(ReaderError, match=r"broken XML"):
        open_movie(companion)
    assert time.perf_counter() - start < 5


def test_entities_of_other_files_are_not_read(companion: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hush", encoding="utf-8")
    text = companion.read_text(encoding="utf-8").split("?>", 1)[1]
    head = f'<!DOCTYPE OME [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    companion.write_text(head + text.replace("<AcquisitionDate>2", "<AcquisitionDate>&x;2"))
    with pytest.raises(ReaderError, match=r"broken XML \(undefined entity"):
        open_movie(companion)


def test_nesting_without_end(companion: Path) -> None:
    images = "<a>" * 20_000 + "</a>" * 20_000
    text = companion.read_text(encoding="utf-8")
    companion.write_text(text.replace("</OME>", images + "</OME>"), encoding="utf-8")
    with pytest.raises(ReaderError, match=r"elements within elements without end"):
        open_movie(companion)


def test_absurd_size(companion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zincflux.readers.ome_files.MOST_BYTES", 100)
    with pytest.raises(ReaderError, match=r"expected OME-XML of at most 100 bytes, found \d+"):
        open_movie(companion)


def test_companion_without_images(companion: Path) -> None:
    companion.write_text(COMPANION_XML.format(images=""), encoding="utf-8")
    with pytest.raises(ReaderError, match=r"found 0 names for 0 blocks"):
        open_movie(companion)


def test_encoding_that_nobody_knows(companion: Path) -> None:
    edit(companion, 'encoding="UTF-8"', 'encoding="klingon"')
    with pytest.raises(ReaderError, match=r"broken XML"):
        open_movie(companion)


def test_main_file_may_be_a_tiff(tmp_path: Path) -> None:
    recording = ome_files(tmp_path)
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><BinaryOnly '
        f'MetadataFile="{recording.path.name}" UUID="urn:uuid:1"/></OME>'
    )
    part = write_ome(tmp_path / "two_c1.ome.tif", recording.data[:, 1], xml)
    movie = open_movie(part)
    np.testing.assert_array_equal(movie.frame(2), recording.data[2])
    write_ome(recording.path, recording.data[:, 0], xml)
    with pytest.raises(ReaderError, match=r"description of this OME-TIFF in 'two_c0\.ome\.tif'"):
        open_movie(part)
    tifffile.imwrite(recording.path, recording.data[:, 0], metadata=None, ome=False)
    with pytest.raises(ReaderError, match=r"found none there"):
        open_movie(part)


def test_pointer_to_nothing(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "p.ome.tif", DATA[0, 0], '<OME><BinaryOnly UUID="a"/></OME>')
    with pytest.raises(ReaderError, match=r"its description, '', is not beside it"):
        open_movie(path)


def test_part_under_another_name(companion: Path) -> None:
    part = companion.with_name("dish_p0_t0.ome.tif")
    part.with_name("copy.ome.tif").write_bytes(part.read_bytes())
    with pytest.raises(ReaderError, match=r"found no such name there\. Was the file renamed"):
        open_movie(part.with_name("copy.ome.tif"))


def test_description_that_does_not_fit(companion: Path) -> None:
    edit(companion, 'SizeX="24" SizeY="20"', 'SizeX="30" SizeY="30"')
    with pytest.raises(ReaderError, match=r"do not fit this description"):
        open_movie(companion, scene=0)


@pytest.mark.parametrize("uuid", ["", "urn:uuid:1"])
def test_files_are_told_apart_by_their_names(companion: Path, uuid: str) -> None:
    text = companion.read_text(encoding="utf-8")
    text = re.sub(r'(<UUID FileName="[^"]+">)[^<]*', rf"\g<1>{uuid}", text)
    companion.write_text(text.replace('UUID="urn:uuid', 'Creator="urn:uuid'), encoding="utf-8")
    for scene, t in np.ndindex(2, 3):
        np.testing.assert_array_equal(open_movie(companion, scene=scene).frame(t), DATA[scene, t])


@pytest.mark.parametrize(
    "change", [{"dtype": np.uint8}, {"byteorder": ">"}, {"shape": (2, 30, 30)}], ids=str
)
def test_files_that_are_not_alike(companion: Path, change: dict) -> None:
    data = np.zeros(change.pop("shape", (2, 20, 24)), change.pop("dtype", np.uint16))
    part = companion.with_name("dish_p0_t2.ome.tif")
    tifffile.imwrite(part, data, metadata=None, ome=False, photometric="minisblack", **change)
    with pytest.raises(
        ReaderError, match=r"t2\.ome\.tif: expected images like those in dish_p0_t0"
    ):
        open_movie(companion, scene=0)
