import tomllib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from zincflux.errors import ExperimentError
from zincflux.settings import InputPath, Settings, dumps, keys, override, read_toml


class Inner(Settings):
    diameter_um: float = Field(default=15.0, gt=0, description="Diameter of a cell")
    method: Literal["otsu", "watershed"] = Field(default="otsu", description="Which one")


class Item(Settings):
    name: str = Field(description="Its name")
    start_s: float = Field(default=0.0, description="Its start")


class Outer(Settings):
    movie: InputPath = Field(description="What is read")
    note: str | None = Field(default=None, description="Anything")
    inner: Inner = Field(default=Inner(), description="A group")
    items: tuple[Item, ...] = Field(default=(), description="A list of groups")


def test_settings_are_frozen() -> None:
    settings = Inner()
    with pytest.raises(ValueError, match="frozen"):
        settings.diameter_um = 3.0


def test_unknown_key_suggests_the_near_one() -> None:
    with pytest.raises(ExperimentError, match=r"inner\.diameter: unknown key\. Did you mean 'dia"):
        Outer.parse({"movie": "a.tif", "inner": {"diameter": 3}}, where="x.toml")


def test_unknown_key_far_from_any_lists_the_known_ones() -> None:
    with pytest.raises(ExperimentError, match="Known keys here: diameter_um, method"):
        Outer.parse({"movie": "a.tif", "inner": {"zzz": 3}}, where="x.toml")


def test_unknown_key_in_a_list_of_groups_is_placed() -> None:
    data = {"movie": "a.tif", "items": [{"name": "a", "strat_s": 1}]}
    with pytest.raises(ExperimentError, match=r"items\.0\.strat_s: .*'start_s'"):
        Outer.parse(data, where="x.toml")


def test_missing_key_is_named_with_the_file() -> None:
    with pytest.raises(ExperimentError, match=r"x\.toml: movie: this key is required"):
        Outer.parse({}, where="x.toml")


def test_value_out_of_bounds_is_shown() -> None:
    with pytest.raises(ExperimentError, match=r"inner\.diameter_um: .*greater than 0; found -1"):
        Outer.parse({"movie": "a", "inner": {"diameter_um": -1}}, where="x.toml")


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = Outer.parse({"movie": "sub/a.tif"}, where="x", folder=tmp_path)
    assert Path(settings.movie) == tmp_path / "sub" / "a.tif"
    assert tomllib.loads(dumps(settings, folder=tmp_path / "out"))["movie"] == "../sub/a.tif"


def test_addresses_stay_as_they_are(tmp_path: Path) -> None:
    settings = Outer.parse({"movie": "s3://bucket/a.zarr"}, where="x", folder=tmp_path)
    assert settings.movie == "s3://bucket/a.zarr"
    assert tomllib.loads(dumps(settings, folder=tmp_path))["movie"] == "s3://bucket/a.zarr"


def test_a_path_without_a_folder_is_written_as_it_is(tmp_path: Path) -> None:
    settings = Outer.parse({"movie": "a.tif"}, where="x", folder=tmp_path)
    assert tomllib.loads(dumps(settings))["movie"] == str(tmp_path / "a.tif")


@given(
    diameter=st.floats(min_value=1e-6, max_value=1e6),
    note=st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30),
    names=st.lists(st.text(st.characters(codec="ascii"), max_size=10), max_size=3),
)
def test_toml_round_trip(diameter: float, note: str | None, names: list[str]) -> None:
    settings = Outer(
        movie="a.tif",
        note=note,
        inner=Inner(diameter_um=diameter),
        items=tuple(Item(name=name) for name in names),
    )
    assert Outer.model_validate(tomllib.loads(dumps(settings))) == settings


def test_help_stands_above_each_key() -> None:
    assert "# Diameter of a cell\ndiameter_um = 15.0" in dumps(Outer(movie="a"))
    assert "# Diameter" not in dumps(Outer(movie="a"), comments=False)


def test_keys_lists_dotted_names_in_order() -> None:
    listed = {key.name: key for key in keys(Outer)}
    assert list(listed) == [
        "movie",
        "note",
        "inner.diameter_um",
        "inner.method",
        "items[].name",
        "items[].start_s",
    ]
    assert listed["inner.diameter_um"].default == 15.0
    assert listed["inner.diameter_um"].type == "float"
    assert "Literal" in listed["inner.method"].type


def test_override_sets_dotted_keys_and_leaves_the_original() -> None:
    data = {"inner": {"diameter_um": 15.0}}
    result = override(data, ["inner.diameter_um=20", "inner.method=otsu", 'note="a b"', "x.y=true"])
    assert result == {
        "inner": {"diameter_um": 20, "method": "otsu"},
        "note": "a b",
        "x": {"y": True},
    }
    assert data == {"inner": {"diameter_um": 15.0}}


@pytest.mark.parametrize("text", ["nonsense", "=3", " =3"])
def test_override_without_key_or_value(text: str) -> None:
    with pytest.raises(ExperimentError, match="expects KEY=VALUE"):
        override({}, [text])


def test_override_through_a_plain_value() -> None:
    with pytest.raises(ExperimentError, match="'note' holds a plain value"):
        override({"note": "a"}, ["note.x=1"])


def test_read_toml_missing(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="no such file"):
        read_toml(tmp_path / "none.toml")


def test_read_toml_broken(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a = [", encoding="utf-8")
    with pytest.raises(ExperimentError, match="expected a TOML file"):
        read_toml(tmp_path / "a.toml")


def test_path_that_cannot_be_made_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    def other_drive(*args: object) -> str:
        raise ValueError("path is on mount 'D:'")

    monkeypatch.setattr("zincflux.settings.os.path.relpath", other_drive)
    assert tomllib.loads(dumps(Outer(movie="a.tif"), folder=Path()))["movie"] == "a.tif"
