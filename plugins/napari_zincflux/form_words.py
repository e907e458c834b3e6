"""Which settings a form shows first, and what stands beside them; no Qt."""

from __future__ import annotations

from typing import Any

ESSENTIAL = {
    "movie": (
        "movie.pixel_size_um",
        "movie.frame_interval_s",
        "channels.signal",
        "channels.numerator",
        "channels.denominator",
        "drift.method",
    ),
    "cells": ("segment.diameter_um", "segment.method", "track.mode"),
    "calibration": (
        "indicator",
        "calibration.source",
        "calibration.scope",
        "background.method",
        "bleaching.method",
    ),
    "results": ("flux.rate_window_s", "flux.responder_k"),
}
"""Keys that are shown at once, in this order; the others stand behind "more"."""

HIDDEN = {"movie.path", "edits.path", "schema_version", "phases", "table"}
"""Keys with a place of their own in the dock."""

UNITS = {
    "um2": "µm²",
    "um": "µm",
    "s": "s",
    "nM": "nM",
    "uM": "µM",
    "px": "px",
    "e": "e⁻",
    "frames": "frames",
    "percent": "%",
}

LABELS = {
    "movie.z": "Planes in z",
    "channels.segment": "Channel to find cells in",
    "channels.signal": "Signal channel",
    "channels.numerator": "Numerator",
    "channels.denominator": "Denominator",
    "channels.nucleus": "Nucleus channel",
    "channels.acceptor": "Acceptor channel",
    "channels.extra": "Further channels",
    "segment.diameter_um": "Cell diameter",
    "segment.method": "Cells by",
    "segment.labels": "Label file",
    "track.mode": "Cells are",
    "track.file": "Tracks file",
    "drift.method": "Drift correction",
    "background.method": "Background by",
    "background.roi": "Background region",
    "bleaching.method": "Bleaching correction",
    "calibration.source": "Calibration from",
    "calibration.scope": "Calibrate",
    "flux.responder_k": "Responder above",
    "indicator_load.kappa_endogenous": "Buffering of the cell (κ)",
    "camera.gain_e": "Camera gain",
    "bleaching.roi": "Reference region",
    "calibration.file": "Calibration file",
    "calibration.plateau_frames": "Shortest plateau",
    "segment.projection": "View",
    "segment.over_time": "Frames help each other",
    "segment.puncta_um": "Leave out puncta up to",
}
"""Labels where the key alone would not be understood."""

CHOICE_WORDS: dict[str, dict[Any, str]] = {
    "track.mode": {"static": "in place", "follow": "moving, dividing"},
    "drift.method": {"phase-correlation": "correlation"},
    "calibration.source": {None: "automatic", "in-situ": "in situ"},
    "calibration.scope": {"per-cell": "each cell", "pooled": "pooled", "shrunk": "shrunk"},
}

SECTION_WORDS = {
    "movie": "Movie",
    "channels": "Channels",
    "camera": "Camera",
    "drift": "Drift",
    "flat_field": "Flat field",
    "segment": "Finding cells",
    "track": "Following cells",
    "gate": "Reporter",
    "calibration": "Calibration",
    "background": "Background",
    "bleaching": "Bleaching",
    "bleed_through": "Bleed-through",
    "uncertainty": "Uncertainty",
    "flux": "Responses",
    "indicator_load": "Total flux",
}
