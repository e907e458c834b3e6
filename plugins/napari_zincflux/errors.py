"""What can go wrong in the dock alone."""

from __future__ import annotations

from zincflux.errors import ZincfluxError


class CorrectionError(ZincfluxError):
    """A correction cannot be made; nothing was changed."""
