from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.movie import Movie, Source, clean_name, clean_names


def make(**changes: object) -> Movie:
    fields: dict[str, object] = {
        "data": np.zeros((3, 2, 4, 5), np.uint16),
        "channels": ("CFP", "FRET"),
        "pixel_size_um": 0.5,
        "time_s": np.array([0.0, 5.0, 11.0]),
    }
    return Movie(**(fields | changes))  # type: ignore[arg-type]


def test_shape_and_frames() -> None:
    movie = make()
    assert movie.n_frames == 3
    assert movie.frame_shape == (4, 5)
    assert movie.frame(2).shape == (2, 4, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((3, 4, 5))}, r"axes \(T, C, Y, X\)"),
        ({"data": np.zeros((0, 2, 4, 5)), "time_s": None}, "at least one frame"),
        ({"channels": ("CFP",)}, "a name for each of 2 channels"),
        ({"time_s": np.array([0.0, 1.0])}, "expected 3 times, found 2"),
        ({"time_s": np.array([0.0, 1.0, 1.0])}, "times that increase"),
        ({"time_s": np.array([0.0, np.nan, 1.0])}, "times that increase"),
        ({"pixel_size_um": 0.0}, "pixel size above 0"),
    ],
)
def test_refused_at_birth(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        make(**changes)


def test_message_names_the_file() -> None:
    with pytest.raises(ReaderError, match=r"cells\.tif: expected a name"):
        make(channels=("a",), source=Source(paths=(Path("cells.tif"),)))


def test_channel_by_name_and_number() -> None:
    movie = make()
    assert movie.channel_index("FRET") == 1
    assert movie.channel_index(0) == 0


@pytest.mark.parametrize("channel", ["FRED", 2, -1])
def test_unknown_channel(channel: str | int) -> None:
    with pytest.raises(ExperimentError, match=r"channels\.signal: expected one of .*'CFP', 'FRET'"):
        make().channel_index(channel, key="channels.signal")


def test_unknown_channel_suggests() -> None:
    with pytest.raises(ExperimentError, match="Did you mean 'FRET'"):
        make().channel_index("FRED")


def test_missing_metadata_names_its_key() -> None:
    movie = make(pixel_size_um=None, time_s=None)
    with pytest.raises(ExperimentError, match=r"movie\.pixel_size_um"):
        movie.require_pixel_size()
    with pytest.raises(ExperimentError, match=r"movie\.frame_interval_s"):
        movie.require_time()


def test_one_frame_needs_no_interval() -> None:
    movie = make(data=np.zeros((1, 2, 4, 5)), time_s=None)
    assert movie.require_time().tolist() == [0.0]
    assert make().require_pixel_size() == 0.5


def test_override_fills_in_silently_and_warns_when_it_replaces() -> None:
    movie = make(pixel_size_um=None, time_s=None)
    filled = movie.with_metadata(frame_interval_s=2.0, pixel_size_um=0.3)
    assert filled.require_time().tolist() == [0.0, 2.0, 4.0]
    assert filled.pixel_size_um == 0.3
    with pytest.warns(MetadataWarning, match=r"movie\.pixel_size_um = 0\.3 replaces .* 0\.5"):
        make().with_metadata(pixel_size_um=0.3)
    with pytest.warns(MetadataWarning, match=r"frame_interval_s = 2 replaces the file's 5\.5"):
        make().with_metadata(frame_interval_s=2.0)
    movie = make()
    assert movie.with_metadata() is movie


def test_names_are_safe_and_unique() -> None:
    assert clean_name("=cmd()\n\tX") == "cmd() X"
    assert clean_name("CF\u200bP\u202e") == "CF P"
    assert clean_names(["", "A", "A", "-A"]) == ("C0", "A", "A_2", "A_3")


@given(st.lists(st.text(), max_size=6))
def test_clean_names_always_unique_printable(names: list[str]) -> None:
    cleaned = clean_names(names)
    assert len(set(cleaned)) == len(names)
    for name in cleaned:
        assert name
        assert name[0] not in "=+-@"
        assert not any(ord(c) < 32 or ord(c) == 127 for c in name)
