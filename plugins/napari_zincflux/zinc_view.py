"""The zinc image in the viewer: put there, renewed with the results, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_zincflux.canvas import CELLS, Canvas
from napari_zincflux.session import Session
from napari_zincflux.zinc_box import ZincBox
from napari_zincflux.zinc_layers import REASON, ZINC, log_colours, usable_range_nM, zinc_layers
from zincflux.pipeline import ZincImages, iter_zinc_images

if TYPE_CHECKING:
    from napari_zincflux.workers import Work

DYE_SHOWS = (
    "Where the dye lies is not divided out: a bright place may hold more dye, not more zinc."
)


class ZincView(QObject):
    """Shows the zinc image of the newest results while it is wanted.

    It is made as soon as no other work is under way, which is never stopped for it.

    Attributes
    ----------
    failed
        Signal: the error that making the image ended with.
    """

    failed = Signal(object)

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        work: Work,
        box: ZincBox,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.session, self.canvas, self.work, self.box = session, canvas, work, box
        self._shown: tuple[Any, float] | None = None
        self._worker: object = None
        self._heard: Any = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._catch_up)
        box.changed.connect(self._on_box)
        work.ended.connect(self._later.start)
        work.cancelled.connect(self._on_cancel)
        canvas.viewer.layers.events.removed.connect(self._on_removed)

    def follow(self) -> None:
        """Look whether the results are others now: then the image is made anew, or taken away."""
        self.box.offer(obstacle_of(self.session))
        if not self.box.switch.isEnabled():
            self.clear()
        self._later.start()

    def _on_box(self, wanted: bool) -> None:
        if wanted:
            self._catch_up()
        else:
            self.clear()

    @property
    def _wanted(self) -> tuple[Any, float]:
        return self.session.finished, self.box.average_um

    def _catch_up(self) -> None:
        """Make the image, where it is wanted and not the one that is shown."""
        if not self.box.is_wanted or self.work.is_busy:
            return
        if self._shown is not None and _same(self._shown, self._wanted):
            return
        wanted = finished, average_um = self._wanted

        def done(images: ZincImages) -> None:
            self._take(images, wanted)

        steps = iter_zinc_images(finished, movie=self.session.movie, average_um=average_um)
        self.work.start("Zinc image", steps, done, self._fail, gives_way=True)
        self._worker = self.work.worker

    def _take(self, images: ZincImages, made_of: tuple[Any, float]) -> None:
        if not self.box.is_wanted or not _same(made_of, self._wanted):
            return
        limits, self._shown = usable_range_nM(made_of[0]), None
        why, zinc = zinc_layers(images, self.canvas.axes(self.session), limits)
        self.canvas.renew(*why)
        layer = self.canvas.renew(*zinc)
        if layer is not self._heard:
            self._heard = layer
            layer.events.contrast_limits.connect(self._on_contrast)
        self._shown = made_of
        self._arrange()
        plan = images.source.plan
        known = plan.is_ratio or images.dye is not None
        self.box.show_legend(tuple(layer.contrast_limits), "" if known else DYE_SHOWS)

    def _arrange(self) -> None:
        """Put the image where the outlines are, whose colours would hide it."""
        cells, layers = self.canvas.layer(CELLS), self.canvas.viewer.layers
        if cells is None:
            return
        for name in (REASON, ZINC):
            layers.move(layers.index(self.canvas.layer(name)), layers.index(cells))
        cells.visible = False

    def _on_contrast(self, event: Any = None) -> None:
        """Keep the colours logarithmic between other ends."""
        layer = self._heard
        low, high = layer.contrast_limits
        layer.colormap = log_colours(low, high)
        self.box.legend.show_range((max(low, high * 1e-3), high) if high > 0 else None)

    def _fail(self, error: Exception) -> None:
        self.clear()
        self.failed.emit(error)

    def _on_cancel(self) -> None:
        if self.work.worker is not None and self.work.worker is self._worker:
            self.clear()

    def _on_removed(self, event: Any = None) -> None:
        """Switch off where the user has removed the image."""
        if self._shown is not None and self.canvas.layer(ZINC) is None:
            self.clear()

    def clear(self) -> None:
        """Take the image away, and show the outlines again."""
        was_shown, self._shown = self._shown is not None, None
        self.box.switch_off()
        for name in (ZINC, REASON):
            self.canvas.remove(name)
        cells = self.canvas.layer(CELLS)
        if was_shown and cells is not None:
            cells.visible = True

    def close(self) -> None:
        """Let go of the viewer, and of the image, which stays."""
        self._later.stop()
        if self._heard is not None:
            self._heard.events.contrast_limits.disconnect(self._on_contrast)
        self.canvas.viewer.layers.events.removed.disconnect(self._on_removed)


def obstacle_of(session: Session) -> str:
    """Say what stands against a zinc image; empty where nothing does."""
    finished = session.finished
    if finished is None:
        return "There are no results yet: run first."
    if finished.calibration is None:
        return "There is no free zinc in these results: they have no calibration."
    if session.movie is None:
        return "The movie of these results is not where it was; the zinc image is made from it."
    return ""


def _same(one: tuple[Any, float], other: tuple[Any, float]) -> bool:
    return one[0] is other[0] and one[1] == other[1]
