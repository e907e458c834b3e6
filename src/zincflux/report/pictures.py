"""Charts of a study as pictures, for those who read the page without scripts."""

from __future__ import annotations

from zincflux.plot import to_png
from zincflux.report.page import data_uri
from zincflux.results.study import Study
from zincflux.results.study_figures import study_figures

DPI = 90


def static_picture(study: Study, kind: str) -> str:
    """Draw one chart as an address that holds a PNG; empty where there is no such picture.

    Parameters
    ----------
    study
        The study.
    kind
        Beginning of the figure's name: ``courses``, ``superplot``, ``dose_response`` or
        ``heat_map``. Of several, the one of the headline metric is drawn, or else the first.
    """
    figures = [(name, draw) for name, draw in study_figures(study) if name.startswith(f"{kind}_")]
    if not figures:
        return ""
    headline = f"{kind}_{study.headline}"
    _, draw = next((item for item in figures if item[0].startswith(headline)), figures[0])
    return data_uri(to_png(draw(), dpi=DPI))
