"""Work in units whose results are kept, so that an interrupted experiment goes on where it stopped."""

from units.store import KEPT as KEPT, Unit as Unit, Units as Units, settings_of as settings_of
