"""Signals that ask a run to stop, noted so that it can save before it ends."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

ASKING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Notes SIGINT (Ctrl-C) and SIGTERM while a ``with`` block runs; a second one ends the process as usual.

    >>> import os
    >>> with Signals() as signals:
    ...     os.kill(os.getpid(), signal.SIGTERM)
    ...     signals.asked()
    True
    """

    def __init__(self):
        self.came: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Signals:
        """Listen."""
        self._before = {number: signal.signal(number, self._note) for number in ASKING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put things back as they were."""
        self._restore()

    def asked(self) -> bool:
        """Return whether a signal came."""
        return self.came is not None

    @property
    def exit_status(self) -> int:
        """130 after SIGINT, 143 after SIGTERM: 128 and the signal's number, as shells count."""
        return 128 + int(self.came or 0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
