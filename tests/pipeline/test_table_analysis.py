"""What an analysis refuses of a table, and of an experiment that has none."""

import pytest

from zincflux import analyze
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, experiment_of_table
from zincflux.pipeline import read_table


def write(path, header, rows=12):
    lines = [f"{5 * t},{100 + t},{50 + t}" for t in range(rows)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_ratios_do_not_fit_an_intensity_indicator(tmp_path):
    path = write(tmp_path / "cells.csv", "t (s),Ratio1,Ratio2")
    table = read_table(experiment_of_table(path))
    with pytest.raises(ExperimentError, match=r"FluoZin-3 is an intensity .* ratios"):
        analyze(experiment_of_table(path, indicator="FluoZin-3"), table=table)


def test_intensities_do_not_fit_a_ratio_indicator(tmp_path):
    path = write(tmp_path / "cells.csv", "t (s),Mean1,Mean2")
    table = read_table(experiment_of_table(path))
    with pytest.raises(ExperimentError, match=r"ZapCY2 is a fret indicator, but .* intensities"):
        analyze(experiment_of_table(path, indicator="ZapCY2"), table=table)


def test_movie_is_no_table():
    experiment = Experiment.parse({"movie": {"path": "dish.tif"}}, where="test")
    with pytest.raises(ExperimentError, match=r"table: expected a table .*Set table\.path"):
        read_table(experiment)


def test_table_is_no_movie():
    with pytest.raises(ExperimentError, match=r"movie: expected a movie.*Set movie\.path"):
        experiment_of_table("cells.csv").open_movie()
