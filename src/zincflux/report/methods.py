"""The methods paragraph: what was done, with every constant and citation, ready to paste."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zincflux.plot.style import digits
from zincflux.report.page import clip
from zincflux.report.panels import panels_of
from zincflux.results.study import Constants, Study
from zincflux.statistics.keys import MIN_EXPERIMENTS
from zincflux.statistics.settings import Level

_SEGMENTATION = {
    "watershed": "found by zincflux's watershed on local contrast",
    "otsu": "found by Otsu's threshold",
    "learned": "found with a small network of zincflux, run by onnxruntime",
    "cellpose": "found with Cellpose",
    "stardist": "found with StarDist",
    "labels": "taken from given label images",
}
_BACKGROUND = {
    "percentile": "The background was the noise-corrected low percentile of cell-free pixels of "
    "each frame",
    "ring": "The background was taken from a ring around each cell",
    "roi": "The background was taken from a given region",
    "constant": "A given constant background was subtracted",
    "blank": "The background was taken from a blank dish",
    "none": "No background was subtracted",
}
_BLEACHING = {
    "exponential": "bleaching was corrected by an exponential fitted within named phases",
    "reference": "bleaching was corrected by a control dish",
    "none": "bleaching was not corrected",
}
_DRIFT = {
    "phase-correlation": "drift was corrected by phase correlation (Kuglin and Hines, Proc IEEE "
    "Int Conf Cybernetics and Society 1975:163; refined after Guizar-Sicairos et al., Opt Lett "
    "2008;33:156)",
    "none": "drift was not corrected",
}
_BLANK = " and are left out of means, which are blank where they are more than 5 %"
_RANKED = {
    "median": " and rank below or above all others in medians",
    "mean": _BLANK,
    "geometric-mean": _BLANK,
}
_LEVEL = {"median": "median", "mean": "mean", "geometric-mean": "geometric mean"}


def methods_text(study: Study) -> list[str]:
    """Write the paragraphs of the methods.

    Samples that were made with other constants have a paragraph of their own that names them.

    Parameters
    ----------
    study
        The study.

    Returns
    -------
    list
        Paragraphs of plain text.
    """
    several = len(study.constants) > 1
    paragraphs = [
        " ".join(_analysis(constants, study, several=several)) for constants in study.constants
    ]
    return [*paragraphs, " ".join(_statistics(study)), _software(study)]


def _analysis(constants: Constants, study: Study, *, several: bool) -> Iterator[str]:
    """Say how the movies of some samples were analysed."""
    movies = f"{len(constants.samples)} movie{'' if len(constants.samples) == 1 else 's'}"
    if several:
        names = ", ".join(clip(name, 40) for name in constants.samples[:6])
        more = f" and {len(constants.samples) - 6} more" if len(constants.samples) > 6 else ""
        movies += f" ({names}{more})"
    version = study.versions.get("zincflux", "")
    yield f"{movies} of cultured cells were analysed with zincflux {version}.".replace(" .", ".")
    if constants.segmentation:
        how = _SEGMENTATION.get(constants.segmentation, f"found by {constants.segmentation}")
        yield f"Cells were {how}."
    corrections = [
        _BACKGROUND.get(constants.background, ""),
        _BLEACHING.get(constants.bleaching, ""),
        _DRIFT.get(constants.drift, ""),
    ]
    said = "; ".join(filter(None, corrections))
    if said:
        yield said[0].upper() + said[1:] + "."
    yield from _calibration(constants, study.settings.level)
    if constants.rate_window_s is not None:
        yield (
            f"Initial rates are slopes over the first {digits(constants.rate_window_s)} s of a "
            "phase."
        )
    if constants.responder_k is not None:
        yield (
            f"A cell counts as a responder if its F/F0 changed by more than "
            f"{digits(constants.responder_k)} standard deviations of its baseline."
        )


def _calibration(constants: Constants, level: Level) -> Iterator[str]:
    if not constants.indicator or constants.k_nM is None or constants.hill is None:
        yield (
            "Signals are given as F/F0, the ratio to each cell's own baseline; they were not "
            "converted to concentrations."
        )
        return
    beta = "" if constants.k_includes_beta or constants.beta in (None, 1.0) else "β·"
    given = f"K = {digits(constants.k_nM)} nM and n = {digits(constants.hill)}"
    if constants.beta is not None and not constants.k_includes_beta:
        given += f", β = {digits(constants.beta)}"
    source = "; ".join(filter(None, (constants.source, constants.doi and f"doi {constants.doi}")))
    known = f"; {constants.confidence}" if constants.confidence else ""
    yield (
        f"The signal S of {clip(constants.indicator, 60)} was converted to free zinc in each cell "
        f"on its own by Z = K·[{beta}(S − Smin)/(Smax − S)]^(1/n) (Grynkiewicz et al., J Biol Chem "
        f"1985;260:3440) with {given} ({clip(source, 300) or 'given by the user'}{known}). "
        f"Smin and Smax: {clip(constants.origin, 300) or 'not stated'}. Cells beyond the "
        f"calibrated range have no number{_RANKED[level]}."
    )


def _statistics(study: Study) -> Iterator[str]:
    """Say how cells, dishes and experiments were summarised and compared."""
    settings = study.settings
    level = _LEVEL[settings.level]
    yield (
        f"Each dish is represented by the {level} of its cells, each experiment by its dishes; n "
        "is the number of independent experiments, never of cells (Lord et al., J Cell Biol "
        "2020;219:e202001064, doi 10.1083/jcb.202001064)."
    )
    if settings.subtract_control:
        yield (
            f"The mean rate of {clip(settings.subtract_control, 60)} in the same experiment was "
            "subtracted from rates."
        )
    yield from _comparisons(study)
    if len(study.dose_response):
        yield (
            "Dose responses were fitted by a four-parameter logistic curve to experiment means; "
            "the trend over ordered doses was tested on experiments."
        )
    if panels_of(study) and len(study.tests):
        names = dict.fromkeys(study.tests.loc[study.tests["is_headline"], "test"])
        if names:
            yield f"Conclusions rest on: {clip(', '.join(map(str, names)), 300)}."


def _comparisons(study: Study) -> Iterator[str]:
    """Say how arms were compared with their controls."""
    rows = study.conditions
    folds, differences = (
        np.isfinite(rows[name].to_numpy(dtype=np.float64)).any()
        for name in ("fold_change", "difference")
    )
    if not (folds or differences):
        return
    told = [_PAIRINGS[one] for one in _PAIRINGS if one in set(rows["pairing"])]
    percent = f"{100 * (1 - study.settings.alpha):g} %"
    interval = f"{', else '.join(told) or 'compared'} with {percent} t intervals over experiments."
    if folds:
        yield f"Fold changes are e to the mean log ratio to the control, {interval}"
    if differences:
        yield (
            "Metrics with levels of 0 or less, and rates from which a control's was subtracted, "
            f"are compared by the mean difference from the control, {interval}"
        )
    adjusted = [name for name in dict.fromkeys(rows["adjustment"]) if name]
    if adjusted:
        yield f"P values were adjusted for multiplicity ({clip(', '.join(adjusted), 200)})."
    yield f"With fewer than {MIN_EXPERIMENTS} experiments neither intervals nor P values are given."


_PAIRINGS = {
    "paired": "paired by experiment where experiments share both arms",
    "unpaired": "unpaired (Welch)",
}


def _software(study: Study) -> str:
    versions = ", ".join(f"{clip(n, 40)} {clip(v, 40)}" for n, v in study.versions.items())
    return f"Software: {versions}." if versions else ""
