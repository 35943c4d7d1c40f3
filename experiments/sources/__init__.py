"""Where experiments read their data."""

from sources.place import data_folder as data_folder, plain_or_packed as plain_or_packed
