"""ImageJ's regions as label images."""

import zipfile

import numpy as np
import pytest
import roifile
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi
from skimage.draw import ellipse

from zincflux.errors import ReaderError
from zincflux.readers import open_labels
from zincflux.readers import rois as module
from zincflux.readers.rois import read_rois, roi_labels

SHAPE = (1, 40, 50)


def polygon(corners, name="cell", **more):
    roi = ImagejRoi.frompoints(np.array(corners), name=name)
    for key, value in more.items():
        setattr(roi, key, value)
    return roi


def box(left, top, width, height, name="cell", **more):
    roi = ImagejRoi(roitype=ROI_TYPE.RECT, name=name)
    roi.left, roi.top, roi.right, roi.bottom = left, top, left + width, top + height
    for key, value in more.items():
        setattr(roi, key, value)
    return roi


def composite(path, name="cell"):
    roi = box(0, 0, 40, 40, name)
    roi.multi_coordinates = np.array(path, dtype=np.float32)
    roi.shape_roi_size = len(path)
    return roi


def save(path, *rois):
    roifile.roiwrite(path, rois, mode="w")
    return path


def label(path, shape=SHAPE):
    return open_labels(path, shape)[0]


def pixels(rows, columns, number=1):
    image = np.zeros(SHAPE[1:], dtype=np.int32)
    image[rows, columns] = number
    return image


@pytest.mark.parametrize("kind", [ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED])
@pytest.mark.parametrize("number", [int, float])
def test_polygons(tmp_path, kind, number):
    corners = np.array([[3, 5], [9, 5], [9, 12], [3, 12]], dtype=number)
    path = save(tmp_path / "RoiSet.zip", polygon(corners, roitype=kind))
    assert np.array_equal(label(path), pixels(slice(5, 12), slice(3, 9)))


def test_corners_between_pixels(tmp_path):
    corners = [[3.6, 5.4], [9.4, 5.4], [9.4, 11.6], [3.6, 11.6]]
    path = save(tmp_path / "RoiSet.zip", polygon(corners))
    assert np.array_equal(label(path), pixels(slice(5, 12), slice(4, 9)))


def test_a_single_region(tmp_path):
    path = tmp_path / "7.roi"
    box(1, 2, 3, 4).tofile(path)
    assert np.array_equal(label(path), pixels(slice(2, 6), slice(1, 4), 7))


def test_rectangle_between_pixels(tmp_path):
    where = {"xd": 3.6, "yd": 5.4, "widthd": 5.8, "heightd": 6.2, "version": 227}
    roi = box(3, 5, 7, 7, options=ROI_OPTIONS.SUB_PIXEL_RESOLUTION, **where)
    path = save(tmp_path / "RoiSet.zip", roi)
    assert np.array_equal(label(path), pixels(slice(5, 12), slice(4, 9)))


def test_oval(tmp_path):
    path = save(tmp_path / "RoiSet.zip", box(4, 6, 30, 21, roitype=ROI_TYPE.OVAL))
    # scikit-image puts 0 at the centre of the first pixel.
    assert np.array_equal(label(path), pixels(*ellipse(16, 18.5, 10.5, 15)))


def test_rounded_rectangle(tmp_path):
    image = label(save(tmp_path / "RoiSet.zip", box(5, 5, 30, 20, rounded_rect_arc_size=10)))
    expected = pixels(slice(5, 25), slice(10, 30)) | pixels(slice(10, 20), slice(5, 35))
    for y in (10, 20):
        for x in (10, 30):
            expected |= pixels(*ellipse(y - 0.5, x - 0.5, 5, 5))
    assert np.array_equal(image, expected)


def test_composite_with_a_hole_and_a_curve(tmp_path):
    square = [0, 5, 5, 1, 20, 5, 1, 20, 20, 1, 5, 20, 4]
    hole = [0, 8, 8, 1, 12, 8, 1, 12, 12, 1, 8, 12, 4]
    # A quarter of a circle of radius 10 about (30, 25), as fonts draw it, and a parabola.
    k = 10 * 0.5522847
    quarter = [0, 30, 25, 1, 40, 25, 3, 40, 25 + k, 30 + k, 35, 30, 35, 4]
    bow = [0, 25, 5, 2, 30, 25, 35, 5, 4]
    image = label(save(tmp_path / "RoiSet.zip", composite(square + hole + quarter + bow)))
    expected = pixels(slice(5, 20), slice(5, 20))
    expected[8:12, 8:12] = 0
    y, x = np.mgrid[:40, :50] + 0.5
    expected[(np.hypot(y - 25, x - 30) <= 10) & (y > 25) & (x > 30)] = 1
    expected[(y > 5) & (y < 15 - (x - 30) ** 2 / 2.5)] = 1
    assert np.count_nonzero(image != expected) <= 1


def test_numbers_come_from_the_names(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2, "12"), box(4, 0, 2, 2, "3"))
    assert np.unique(label(path)).tolist() == [0, 3, 12]


@pytest.mark.parametrize(("first", "second"), [("12", "0003-0002"), ("0", "1"), ("7_t1", "7_t2")])
def test_numbers_come_from_the_order(tmp_path, first, second):
    path = save(tmp_path / "a.zip", box(4, 0, 2, 2, first), box(0, 0, 2, 2, second))
    image = label(path)
    assert (image[0, 4], image[0, 0]) == (1, 2)


def test_frames(tmp_path):
    path = save(
        tmp_path / "a.zip",
        box(0, 0, 2, 2, "7_t1", t_position=1),
        box(5, 0, 2, 2, "7_t3", t_position=3),
        box(9, 0, 2, 2, "8_t2", position=2),
        box(20, 0, 2, 2, "9"),
    )
    labels = open_labels(path, (3, 40, 50))
    assert labels.shape == (3, 40, 50)
    assert [np.unique(labels[t]).tolist() for t in range(3)] == [[0, 7, 9], [0, 8, 9], [0, 7, 9]]
    assert labels[2][0, 5] == 7
    assert labels.doubts == ()
    assert np.unique(label(path)).tolist() == [0, 7, 8, 9], "all frames in one image"


def test_later_frame_than_the_movie_has(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2, "a"), box(0, 0, 2, 2, "b", t_position=4))
    message = r"outlines of the frames 1 to 3, found 'b' in frame 4\. Draw them on this movie"
    with pytest.raises(ReaderError, match=message):
        open_labels(path, (3, 40, 50))


def test_overlap(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 6, 6, "low"), box(3, 0, 6, 6, "high"))
    labels = open_labels(path, SHAPE)
    assert labels[0][0].tolist()[:10] == [1, 1, 1, 2, 2, 2, 2, 2, 2, 0]
    (doubt,) = labels.doubts
    assert "1 pairs of outlines overlap ('low' under 'high'); their common pixels" in doubt


def test_many_overlaps_are_counted(tmp_path):
    boxes = [box(number, 0, 6, 6, f"c{number}") for number in range(5)]
    (doubt,) = open_labels(save(tmp_path / "a.zip", *boxes), SHAPE).doubts
    assert ", and 5 more)" in doubt
    assert doubt.count(" under ") == 5


def test_spline(tmp_path):
    corners = [[3, 5], [9, 5], [9, 12], [3, 12]]
    roi = polygon(corners, "smooth", options=ROI_OPTIONS.SPLINE_FIT)
    (doubt,) = open_labels(save(tmp_path / "a.zip", roi), SHAPE).doubts
    assert "1 outlines are fitted splines (smooth), whose corners were joined" in doubt


@pytest.mark.parametrize(
    ("roi", "kind"),
    [
        (polygon([[1, 1], [5, 5]], "axis", roitype=ROI_TYPE.POLYLINE), "polyline"),
        (polygon([[1, 1]], "axis", roitype=ROI_TYPE.POINT), "point"),
        (box(1, 1, 5, 5, "axis", roitype=ROI_TYPE.LINE), "line"),
        (box(1, 1, 5, 5, "axis", subtype=ROI_SUBTYPE.TEXT), "rect"),
    ],
)
def test_no_area(tmp_path, roi, kind):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2, "cell"), roi)
    message = rf"outlines of cells, found a {kind} named 'axis', which has no area\. Delete it"
    with pytest.raises(ReaderError, match=message):
        read_rois(path)


def test_outside(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2, "in"), box(60, 0, 5, 5, "out"))
    message = r"within the 40 × 50 pixels of the movie, found 1 without any pixel there \('out'\)"
    with pytest.raises(ReaderError, match=message):
        open_labels(path, SHAPE)


def test_empty_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
        archive.writestr("__MACOSX/._1.roi", "nothing")
    with pytest.raises(ReaderError, match=r"a zip with ImageJ regions \(\.roi\), found none in it"):
        open_labels(tmp_path / "a.zip", SHAPE)


def hostile():
    good = polygon([[3, 5], [9, 5], [9, 12]]).tobytes()
    yield "truncated", good[:70]
    yield "no header", good[:30]
    yield "other magic", b"Jout" + good[4:]
    yield "too many corners", good[:16] + b"\xff\xff" + good[18:]
    yield "unknown type", good[:6] + b"\x63" + good[7:]
    yield "broken path", composite([0, 1, 1, 9, 4]).tobytes()
    yield "path without start", composite([1, 1, 1, 4]).tobytes()
    yield "endless command", composite([0, 1, 1, np.inf, 4]).tobytes()
    yield "path cut off", composite([0, 1, 1, 1, 4]).tobytes()
    nowhere = polygon([[3.0, 2.0], [9.0, 5.0], [9.0, 12.0]])
    nowhere.subpixel_coordinates[0] = np.nan
    yield "no number", nowhere.tobytes()


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in hostile()])
def test_damaged_region(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.roi", data)
    with pytest.raises(ReaderError, match=r"found (a damaged file: .*Save them again|a .*no area)"):
        open_labels(tmp_path / "a.zip", SHAPE)


@pytest.mark.parametrize("cut", [8, 60, 200])
def test_damaged_zip(tmp_path, cut):
    whole = save(tmp_path / "a.zip", box(0, 0, 2, 2)).read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[:cut])
    with pytest.raises(ReaderError, match=r"found a damaged file: "):
        open_labels(tmp_path / "b.zip", SHAPE)


def test_region_that_never_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST_BYTES", 100)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.roi", b"Iout" + bytes(1000))
    with pytest.raises(ReaderError, match=r"damaged file: 1\.roi is larger than 0 MB"):
        open_labels(tmp_path / "a.zip", SHAPE)


def test_a_file_saved_anew_is_read_anew(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2))
    assert label(path).sum() == 4
    save(path, box(0, 0, 3, 3, "a"), box(5, 5, 1, 1, "b"))
    assert label(path).sum() == 9 + 2


def test_asked_again_the_file_is_not_read_again(tmp_path):
    path = save(tmp_path / "a.zip", box(0, 0, 2, 2))
    assert roi_labels(path, SHAPE) is roi_labels(path, SHAPE)


def test_no_such_file(tmp_path):
    with pytest.raises(ReaderError, match=r"nowhere\.zip: no such file"):
        open_labels(tmp_path / "nowhere.zip", SHAPE)
