"""Errors and warnings of zincflux.

A message says what was expected, what was found and what to do, with the file and the key.
"""


class ZincfluxError(Exception):
    """Any failure that zincflux foresees; the command line prints it without a traceback."""

    exit_status = 1


class ReaderError(ZincfluxError):
    """An input file cannot be read, or is not what it claims to be."""

    exit_status = 3


class ExperimentError(ZincfluxError):
    """The command line, the experiment file or a setting is wrong."""

    exit_status = 2


class SegmentationError(ExperimentError):
    """Cells cannot be found in such a picture, or not with such a model."""


class CalibrationError(ZincfluxError):
    """No calibration can be made from the data that was named for it."""


class ResultsError(ZincfluxError):
    """Results cannot be written, or a folder holds none that can be read."""


class ZincfluxWarning(UserWarning):
    """Any doubt about a result; also kept in ``run.json`` and in the report."""


class MetadataWarning(ZincfluxWarning):
    """Metadata of a file is odd: used as it is, or overridden."""


class CorrectionWarning(ZincfluxWarning):
    """A correction could not be made as asked, or is doubtful."""


class CalibrationWarning(ZincfluxWarning):
    """A calibration was made but is doubtful."""


class EditWarning(ZincfluxWarning):
    """Corrections by hand that no longer apply."""
