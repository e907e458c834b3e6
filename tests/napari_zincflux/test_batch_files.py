"""From the dock to a batch: the files that are written, and the command that runs them; no Qt."""

import csv
import shlex
import warnings

import pytest

import zincflux
from batch_movies import make_movies
from napari_zincflux.batch_files import command_of, folder_of, write_batch
from napari_zincflux.choices import Choices
from runs import DIAMETER_UM, PHASES
from zincflux.batch import run_batch
from zincflux.edits import Delete, EditLog
from zincflux.steps import complete


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    return make_movies(tmp_path_factory.mktemp("day") / "my dishes", 2)


@pytest.fixture
def choices(movies, tmp_path):
    folder = tmp_path / "my dishes"
    folder.mkdir()
    for movie in movies:
        (folder / movie.name).write_bytes(movie.read_bytes())
    made = Choices.of_movie(folder / movies[0].name)
    made.set("indicator", "FluoZin-3")
    phases = [{"name": name, "role": role, "start_s": start} for name, role, start, _ in PHASES]
    made.set("phases", phases)
    made.set("segment.diameter_um", DIAMETER_UM)
    made.set("calibration.k_nM", 15.0)
    return made


def write(choices, log=None):
    return complete(write_batch(choices, log or EditLog()))


def rows_of(sheet):
    with open(sheet, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_what_is_written_runs_to_its_end(choices, tmp_path):
    files = write(choices)
    assert files.words.startswith(f"{files.sheet} lists 2 movies. The settings for all are in")
    assert [row["path"] for row in rows_of(files.sheet)] == ["dish1.ome.tif", "dish2.ome.tif"]
    program, command, sheet, _, settings, _, out = shlex.split(files.command)
    assert (program, command) == ("zincflux", "batch")
    assert (sheet, settings) == (str(files.sheet), str(files.settings))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = run_batch(sheet, out, settings=settings, jobs=1)
    assert (outcome.done, outcome.failed) == (2, 0)
    assert outcome.out == str(tmp_path / "my dishes" / "study")
    for movie in outcome.outcomes:
        results = zincflux.read_results(movie.folder)
        assert results.experiment.segment.diameter_um == DIAMETER_UM
        assert len(results.cells) == 4


def test_nothing_is_replaced(choices):
    first = write(choices)
    again = write(choices)
    assert again.settings == first.settings
    filled = first.sheet.read_text(encoding="utf-8").replace(",dish1,", ",my first,")
    first.sheet.write_text(filled, encoding="utf-8")
    choices.set("segment.diameter_um", 9.0)
    other = write(choices)
    assert other.sheet == first.sheet
    assert first.sheet.read_text(encoding="utf-8") == filled
    assert other.words.startswith(f"{first.sheet} was there already and stays as it is (2 movies).")
    assert other.settings.name == "common_2.toml"
    assert str(other.settings) in other.command
    assert "diameter_um = 9.0" in other.settings.read_text(encoding="utf-8")
    assert "diameter_um = 12.0" in first.settings.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe\x00", b"path,sample\n"])
def test_other_files_of_these_names_are_passed_by(choices, content):
    folder = folder_of(choices)
    for name in ("sheet.csv", "common.toml"):
        (folder / name).write_bytes(content)
    files = write(choices)
    assert (files.sheet.name, files.settings.name) == ("sheet_2.csv", "common_2.toml")
    assert (folder / "sheet.csv").read_bytes() == content
    assert (folder / "common.toml").read_bytes() == content


def test_a_table_with_semicolons_is_known_as_one(choices):
    sheet = folder_of(choices) / "sheet.csv"
    sheet.write_text("\ufeffpath;sample\ndish1.ome.tif;a\n", encoding="utf-8")
    assert "stays as it is (1 movie)" in write(choices).words


def test_what_belongs_to_this_movie_is_told(choices):
    choices.set("background.method", "roi")
    choices.set("background.roi", [0, 0, 5, 5])
    log = EditLog().with_edit(Delete(point=(16, 16), cell_ids=(1,)))
    files = write(choices, log)
    assert "Look whether background.roi suits every movie" in files.words
    assert "Corrections by hand belong to this movie" in files.words
    assert "roi = [0, 0, 5, 5]" in files.settings.read_text(encoding="utf-8")
    assert "edits" not in files.settings.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "found"), [("s3://lab/dish1.ome.zarr", "s3://lab"), (None, "no movie")]
)
def test_without_a_folder_there_is_no_table(path, found):
    choices = Choices({"movie": {"path": path}} if path else {})
    with pytest.raises(
        zincflux.ZincfluxError, match=rf"expected a movie in a folder, found {found}"
    ):
        folder_of(choices)


def test_of_a_pattern_the_folder_is_that_of_all_its_files(tmp_path):
    choices = Choices({"movie": {"path": str(tmp_path / "T{t}" / "{c}.tif")}})
    assert folder_of(choices) == tmp_path
    choices = Choices({"movie": {"path": [str(tmp_path / "a" / "1.tif"), "b.tif"]}})
    assert folder_of(choices) == tmp_path / "a"


def test_the_command_is_quoted_as_its_system_wants(monkeypatch, tmp_path):
    sheet, settings = tmp_path / "my sheet.csv", tmp_path / "common.toml"
    assert f"'{sheet}'" in command_of(sheet, settings)
    monkeypatch.setattr("napari_zincflux.batch_files.IS_WINDOWS", True)
    assert f'"{sheet}"' in command_of(sheet, settings)
