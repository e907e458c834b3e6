"""The data dictionary of a study."""

import pandas as pd
import pytest

from zincflux.columns import KEYS, STUDY_CELLS, STUDY_RESPONSES, STUDY_TABLES, conform


@pytest.mark.parametrize("name", STUDY_TABLES)
def test_every_column_is_named_once_and_explained(name):
    columns = STUDY_TABLES[name]
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert all(column.meaning and column.meaning[0].isupper() for column in columns)


def test_keys_come_first():
    for table in (STUDY_CELLS, STUDY_RESPONSES):
        assert table[: len(KEYS)] == KEYS


@pytest.mark.parametrize("name", STUDY_TABLES)
def test_an_empty_table_has_its_columns(name):
    table = conform(pd.DataFrame(), STUDY_TABLES[name], (), regions=True)
    assert list(table) == [column.name for column in STUDY_TABLES[name]]


def test_counts_that_are_not_known_are_empty():
    table = conform(pd.DataFrame({"sample": ["a"]}), STUDY_TABLES["experiments"], (), regions=True)
    assert table["n_cells"].isna().all()
    assert table["n_cells"].dtype == "Int64"
