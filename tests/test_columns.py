import pandas as pd
import pytest

from zincflux.columns import CELLS, FLAGS, TABLES, TRACES, conform, expand


def test_channel_columns_are_grouped_by_channel() -> None:
    names = [column.name for column in expand(TRACES, ["CFP", "FRET"])]
    start = names.index("CFP_raw")
    assert names[start : start + 6] == [
        "CFP_raw",
        "CFP_background",
        "CFP_corrected",
        "FRET_raw",
        "FRET_background",
        "FRET_corrected",
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described(table: str) -> None:
    names = [column.name for column in TABLES[table]]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in TABLES[table])


def test_empty_table_has_all_columns() -> None:
    table = conform(pd.DataFrame(), CELLS, [])
    assert list(table.columns) == [c.name for c in CELLS if c.name != "region"]
    assert len(table) == 0
    assert table["excluded"].dtype == bool
    assert table["cell_id"].dtype == "int64"


def test_absent_columns_become_empty_and_region_needs_asking() -> None:
    rows = pd.DataFrame({"cell_id": [1, 2], "region": ["cell", "ring"], "zinc_nM": [1.0, 2.0]})
    table = conform(rows, TRACES, ["F"], regions=True)
    assert list(table["region"]) == ["cell", "ring"]
    assert table["F_raw"].isna().all()
    assert list(table["flag"]) == ["", ""]
    assert "region" not in conform(rows, TRACES, ["F"])


def test_flags_are_those_of_the_contract() -> None:
    assert set(FLAGS) == {
        "below_min",
        "above_max",
        "saturated_pixels",
        "dim_denominator",
        "off_edge",
        "lost",
        "defocused",
        "no_calibration",
    }
