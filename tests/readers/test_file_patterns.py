"""One file per time point, channel, plane or scene."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from recordings import ome_stamped, pixels

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import open_movie
from zincflux.readers.axes import plane_table
from zincflux.readers.pattern import _in_order, _regex


def write(path: Path, data: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, data, metadata=None, photometric="minisblack")


def test_every_field_at_once_and_folders(tmp_path: Path) -> None:
    data = pixels(2, 2, 2, 3, 12, 10)  # S T C Z Y X
    for s, t, c, z in product(range(2), range(2), range(2), range(3)):
        name = f"w{'ab'[c]}_z{z}_(s{s + 1}).tif"
        write(tmp_path / f"TimePoint_{t + 1}" / name, data[s, t, c, z])
    path = tmp_path / "TimePoint_{t}" / "w{c}_z{z}_(s{s}).tif"
    movie = open_movie(path, scene=1, z="max")
    assert movie.channels == ("a", "b")
    for t in range(2):
        np.testing.assert_array_equal(movie.frame(t), data[1, t].max(axis=1))
    with pytest.warns(MetadataWarning, match=r"2 scenes \(1, 2\)"):
        first = open_movie(path, z=2)
    np.testing.assert_array_equal(first.frame(1), data[0, 1, :, 2])
    with pytest.raises(ExperimentError, match=r"found 3 planes in z\. Set movie\.z"):
        open_movie(path, scene=0)
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 1"):
        open_movie(path, scene=2, z=0)


def test_one_movie_file_per_channel(tmp_path: Path) -> None:
    data = pixels(2, 5, 12, 10)
    for c, name in enumerate(("CFP", "YFP")):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", data[c], imagej=True, metadata={"axes": "TYX", "finterval": 3}
        )
    movie = open_movie(tmp_path / "{c}.tif")
    np.testing.assert_allclose(movie.time_s, np.arange(5) * 3)
    for t in range(5):
        np.testing.assert_array_equal(movie.frame(t), data[:, t])


def test_exposure_is_kept(tmp_path: Path) -> None:
    recording = ome_stamped(tmp_path)
    recording.path.rename(tmp_path / "p_a.ome.tif")
    movie = open_movie(tmp_path / "p_{s}.ome.tif")
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)
    assert movie.channels == ("405", "YFP")


def test_field_stands_for_one_value_along_the_path(tmp_path: Path) -> None:
    for t, inner in ((1, 1), (2, 2), (2, 1)):
        write(tmp_path / f"t{t}" / f"img_{inner}_{inner}.tif", pixels(4, 4))
    assert open_movie(tmp_path / "t{t}" / "img_{t}_{t}.tif").n_frames == 2


def test_name_with_special_letters_is_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "a+b (1).t0.tif", pixels(4, 4))
    write(tmp_path / "a+b (1)xt1.tif", pixels(4, 4))
    assert open_movie(tmp_path / "a+b (1).t{t}.tif").n_frames == 1


def test_file_with_braces_in_its_name(tmp_path: Path) -> None:
    write(tmp_path / "a{t}.tif", pixels(4, 4))
    assert open_movie(tmp_path / "a{t}.tif").n_frames == 1


def test_unknown_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"only \{t\} \{c\} \{z\} \{s\}.*found \{well\}"):
        open_movie(tmp_path / "{well}_{t}.tif")


def test_absent_combination_is_named(tmp_path: Path) -> None:
    for t, c in ((0, "a"), (0, "b"), (1, "a")):
        write(tmp_path / f"{c}{t}.tif", pixels(4, 4))
    with pytest.raises(ReaderError, match=r"the one for channel b, time point 1 is absent"):
        open_movie(tmp_path / "{c}{t}.tif")


@pytest.mark.parametrize(("numbers", "hole"), [((0, 1, 3), 2), ((0, 5, 10, 20), 15)])
def test_absent_time_point_is_named(tmp_path: Path, numbers, hole: int) -> None:
    for t in numbers:
        write(tmp_path / f"{t}.tif", pixels(4, 4))
    with pytest.raises(ReaderError, match=f"every time point, but {hole} is absent"):
        open_movie(tmp_path / "{t}.tif")


def test_time_stamps_as_names_have_no_holes(tmp_path: Path) -> None:
    for t in (0, 1003, 1999):
        write(tmp_path / f"{t}.tif", pixels(4, 4))
    assert open_movie(tmp_path / "{t}.tif").n_frames == 3


def test_files_of_another_shape_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "0.tif", pixels(4, 4))
    write(tmp_path / "1.tif", pixels(4, 5))
    with pytest.raises(ReaderError, match=r"1\.tif: expected the shape \(1, 1, 4, 4\)"):
        open_movie(tmp_path / "{t}.tif")


def test_two_files_for_one_time_point_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "1.tif", pixels(4, 4))
    write(tmp_path / "01.tif", pixels(4, 4))
    with pytest.raises(ReaderError, match="one file for each combination, found two"):
        open_movie(tmp_path / "{t}.tif")


def test_stack_in_each_file_of_a_time_pattern_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "1.tif", pixels(3, 4, 4))
    with pytest.raises(ReaderError, match=r"one time point in each file.*\{t\}, found 3"):
        open_movie(tmp_path / "{t}.tif", axes="TYX")


def test_empty_match_shows_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x{t}.tif"
    with pytest.raises(ReaderError, match=r"no file fits this pattern.*is empty"):
        open_movie(path)
    for n in (1, 2, 10, 11):
        (tmp_path / f"y{n}.tif").touch()
    (tmp_path / "x1.tif").mkdir()
    with pytest.raises(ReaderError, match=r"holds x1\.tif, y1\.tif, y2\.tif and 2 more"):
        open_movie(path)
    with pytest.raises(ReaderError, match=r"There is no folder .*nowhere"):
        open_movie(tmp_path / "nowhere" / "{t}.tif")


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_order_is_natural(numbers: list[int]) -> None:
    names = {f"img{number}b" for number in numbers}
    assert _in_order(names) == [f"img{number}b" for number in sorted(numbers)]


@given(
    st.text(st.characters(exclude_characters="{}/\\", exclude_categories=["Cs"])), st.integers(0)
)
def test_rest_of_a_pattern_means_itself(text: str, number: int) -> None:
    regex = _regex(f"{text}{{t}}")
    match = regex.fullmatch(f"{text}{number}")
    assert match is not None
    assert int(match["t"]) == number or text[-1:].isdigit()
    assert regex.fullmatch(f"{text}x") is None


@given(st.permutations("TCZ"), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_plane_table_agrees_with_transposition(order, n_t: int, n_c: int, n_z: int) -> None:
    sizes = {"T": n_t, "C": n_c, "Z": n_z}
    shape = [sizes[axis] for axis in order]
    stored = np.arange(n_t * n_c * n_z).reshape(shape)
    expected = np.einsum(stored, [*order_indices(order)], [0, 1, 2])
    table = plane_table("".join(order) + "YX", (*shape, 5, 6))
    np.testing.assert_array_equal(table, expected)


def order_indices(order) -> list[int]:
    assert tuple(order) in set(permutations("TCZ"))
    return ["TCZ".index(axis) for axis in order]
