"""A table written and read at once."""

import pytest

from zincflux.trace_tables import TableInput


@pytest.fixture
def read(tmp_path):
    def run(text, kind="intensity", **keys):
        path = tmp_path / "t.csv"
        path.write_text(text, encoding="utf-8")
        return TableInput.parse({"path": str(path), **keys}, where="table").read(kind=kind)

    return run
