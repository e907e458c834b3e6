"""All formats by name: menus, the command line and its help are made from this list."""

from __future__ import annotations

import re

from zincflux.columns import TABLES
from zincflux.export import film, gif, page, prism, tables, zinc_images
from zincflux.export.earlier import only_entries, only_names, only_sheets, with_mark
from zincflux.export.figures import FILES as FIGURE_FILES
from zincflux.export.figures import to_figures
from zincflux.export.kinds import Export
from zincflux.export.outlines import to_ctc, to_geff, to_rois, to_zarr
from zincflux.results import corrected, ctc, geff, need_zarr, rois
from zincflux.results.zarr_images import mark_of

_TABLES = "|".join([*TABLES, "phases", tables.COLUMNS])
_ZARR = r"zarr\.json|labels|\d"

EXPORTS: dict[str, Export] = {
    "csv": Export(
        "Tables as CSV",
        "a folder of all tables as CSV",
        tables.to_csv,
        only_names(rf"({_TABLES})\.csv", always=rf"{tables.COLUMNS}\.csv"),
        proposal="_csv",
        with_labels=False,
    ),
    "parquet": Export(
        "Tables as Parquet",
        "a folder of all tables as Parquet, exact in every digit",
        tables.to_parquet,
        only_names(rf"({_TABLES})\.parquet", always=rf"{tables.COLUMNS}\.parquet"),
        proposal="_parquet",
        with_labels=False,
    ),
    "xlsx": Export(
        "Workbook (XLSX)",
        "one workbook with a sheet per table, the settings, and what the columns mean",
        tables.to_xlsx,
        only_sheets((*tables.SHEETS, tables.COLUMNS)),
        (".xlsx",),
        with_labels=False,
    ),
    "prism": Export(
        "Wide tables for Prism",
        "a folder of CSV files, one per quantity: times down, cells across",
        prism.to_prism,
        only_names(prism.FILES),
        proposal="_prism",
        with_labels=False,
    ),
    "figures": Export(
        "Figures (SVG, PDF, PNG)",
        "a folder of figures, each as SVG, PDF and PNG",
        to_figures,
        only_names(FIGURE_FILES, always=r"corrections\.svg"),
        proposal="_figures",
    ),
    "movie": Export(
        "Film of free zinc (MP4, GIF)",
        "the movie with every cell in the colour of its free zinc",
        film.to_film,
        with_mark(gif.MARK, "a film"),
        film.ENDINGS,
        ("fps", "scale"),
        need=film.need_for,
        with_labels=False,
    ),
    "report": Export(
        "Report (HTML)",
        "the report as one page that works anywhere",
        page.to_page,
        with_mark(page.MARK, "a report"),
        (".html",),
    ),
    "imagej-rois": Export(
        "Outlines for ImageJ (ZIP)",
        "a zip of outlines for the ROI Manager",
        to_rois,
        only_entries(r"\d+(_t\d+)?\.roi", rois.MARK),
        (".zip",),
        with_labels=False,
    ),
    "ctc": Export(
        "Cell Tracking Challenge",
        "a folder of masks and tracks, as the Cell Tracking Challenge has them",
        to_ctc,
        only_names(
            rf"mask\d{{3,}}\.tif|{re.escape(ctc.TABLE)}", always=r"mask0+\.tif", mark=ctc.MARK
        ),
        proposal="_ctc",
        with_labels=False,
    ),
    "geff": Export(
        "Tracks as GEFF",
        "a graph of the tracks with what was measured",
        to_geff,
        only_names(
            r"nodes|edges|zarr\.json|\.zgroup|\.zattrs|\.zmetadata",
            always=r"zarr\.json|\.zattrs",
            mark=geff.MARK,
        ),
        need=lambda _: geff.need_geff(),
        proposal="_tracks.geff",
        with_labels=False,
    ),
    "ome-zarr": Export(
        "Corrected movie (OME-Zarr)",
        "the corrected movie with the cells",
        to_zarr,
        only_names(_ZARR, always=r"zarr\.json", mark=mark_of(corrected.MADE)),
        need=lambda _: need_zarr(),
        proposal="_corrected.ome.zarr",
        with_labels=False,
    ),
    "zinc-zarr": Export(
        "Zinc of every pixel (OME-Zarr)",
        "free zinc of every pixel in nM, frame by frame",
        zinc_images.to_zinc_images,
        only_names(_ZARR, always=r"zarr\.json", mark=mark_of(zinc_images.MADE)),
        need=lambda _: need_zarr(),
        proposal="_zinc.ome.zarr",
        with_labels=False,
    ),
}
"""Formats by name."""
