"""Choosing antennas of a random channel: the capacity, the searches, and a network that imitates the best."""
