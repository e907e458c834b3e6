from __future__ import annotations

import numpy as np
import pytest
from scores import ap50, counts, f1, field_of_cells, seg_det

from zincflux.segment import Otsu


def boxes(*spans, side=40):
    labels = np.zeros((side, side), dtype=int)
    for number, (rows, columns) in enumerate(spans, start=1):
        labels[slice(*rows), slice(*columns)] = number
    return labels


TRUTH = boxes(((0, 10), (0, 10)), ((0, 10), (10, 20)), ((20, 30), (0, 10)), ((20, 30), (20, 30)))


def test_one_right_one_merged_one_missed_one_invented():
    found = boxes(((0, 10), (0, 20)), ((20, 30), (0, 8)), ((33, 40), (33, 40)))
    assert counts(TRUTH, found).tolist() == [1, 4, 3]
    assert f1(TRUTH, found) == pytest.approx(2 / 7)
    assert ap50(TRUTH, found) == pytest.approx(1 / 6)
    seg, det = seg_det(TRUTH, found)
    # Both merged cells lie in one object of twice their size; one is missed.
    assert seg == pytest.approx((0.5 + 0.5 + 0.8 + 0) / 4)
    assert det == pytest.approx(1 - (10 + 5 + 1) / 40)


def test_nothing_to_find():
    nothing = np.zeros((5, 5), dtype=int)
    assert ap50(nothing, nothing) == 1
    assert np.isnan(seg_det(nothing, nothing)).all()


def test_nothing_found():
    assert seg_det(TRUTH, np.zeros_like(TRUTH)) == (0, 0)


def test_as_the_cell_tracking_challenge_scores_it(tmp_path):
    """Its own program on the same labels, where it is installed."""
    image, truth = field_of_cells(400, n=20, side=200)
    found = Otsu(diameter_um=28)(image, 1.0)
    expected = ctc_scores(truth, found, tmp_path)
    assert seg_det(truth, found) == pytest.approx(expected, abs=1e-9)


def ctc_scores(truth, found, folder):
    tifffile = pytest.importorskip("tifffile")
    evaluate = pytest.importorskip("ctc_metrics.scripts.evaluate")
    for name, labels, prefix in (
        ("01_GT/TRA", truth, "man_track"),
        ("01_GT/SEG", truth, "man_seg"),
        ("01_RES", found, "mask"),
    ):
        (folder / name).mkdir(parents=True)
        for t in (0, 1):
            tifffile.imwrite(folder / name / f"{prefix}00{t}.tif", labels.astype(np.uint16))
    for name, labels, text in (("01_GT/TRA", truth, "man_track"), ("01_RES", found, "res_track")):
        rows = [f"{cell} 0 1 0" for cell in np.unique(labels)[1:]]
        (folder / name / f"{text}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    result = evaluate.evaluate_sequence(
        str(folder / "01_RES"), str(folder / "01_GT"), metrics=["SEG", "DET"], threads=1
    )
    return result["SEG"], result["DET"]
