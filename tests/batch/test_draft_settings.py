"""Settings of one movie made those of all: what belongs to one movie is left out."""

import pytest
import tifffile

from batch_movies import make_movies
from runs import make_dish
from zincflux.batch import draft_settings, places_in
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, load_experiment
from zincflux.settings import dumps, read_toml


def test_all_but_what_belongs_to_one_movie_is_kept(tmp_path):
    experiment = load_experiment(make_dish(tmp_path / "dish"))
    movie = experiment.movie.model_copy(update={"pixel_size_um": 0.5, "scene": 2})
    changed = experiment.model_copy(update={"movie": movie, "name": "dish 7"})
    file = tmp_path / "common.toml"
    file.write_text(draft_settings(changed, file), encoding="utf-8")
    data = read_toml(file)
    assert data["movie"] == {"pixel_size_um": 0.5}
    assert not {"name", "edits"} & set(data)
    whole = Experiment.parse(
        {**data, "movie": {**data["movie"], "path": experiment.movie.path}}, where="test"
    )
    assert whole.model_dump(exclude={"name", "movie"}) == experiment.model_dump(
        exclude={"name", "movie"}
    )


def test_paths_of_what_all_share_start_from_the_file(tmp_path):
    dish = make_dish(tmp_path / "dish")
    image = tmp_path / "flat.tif"
    tifffile.imwrite(image, [[1.0]])
    experiment = load_experiment(dish)
    flat = experiment.flat_field.model_copy(update={"method": "image", "image": str(image)})
    changed = experiment.model_copy(update={"flat_field": flat})
    text = draft_settings(changed, tmp_path / "dish" / "common.toml")
    assert 'image = "../flat.tif"' in text


@pytest.mark.parametrize(("section", "key"), [("segment", "labels"), ("track", "file")])
def test_files_of_one_movie_are_refused(tmp_path, section, key):
    experiment = load_experiment(make_dish(tmp_path / "dish"))
    own = getattr(experiment, section).model_copy(update={key: "cells.tif"})
    changed = experiment.model_copy(update={section: own})
    message = rf"{section}\.{key}: expected settings that suit all movies, found cells\.tif"
    with pytest.raises(ExperimentError, match=message):
        draft_settings(changed, tmp_path / "common.toml")


def test_places_in_the_picture_are_named(tmp_path):
    experiment = load_experiment(make_dish(tmp_path / "dish"))
    assert places_in(experiment) == ()
    ground = experiment.background.model_copy(update={"method": "roi", "roi": (0, 0, 5, 5)})
    assert places_in(experiment.model_copy(update={"background": ground})) == ("background.roi",)


def test_keys_are_left_out_with_the_section_that_they_empty(tmp_path):
    (movie,) = make_movies(tmp_path, 1)
    experiment = Experiment.parse({"movie": {"path": str(movie)}}, where="test")
    text = dumps(experiment, without=["movie.path", "movie.scene", "edits", "nothing.there"])
    assert "[movie]" not in text
    assert "[edits]" not in text
    assert "[segment]" in text
