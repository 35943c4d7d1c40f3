"""Where experiments read their data."""

from sources.place import (
    data_folder as data_folder,
    is_there as is_there,
    plain_or_packed as plain_or_packed,
)
