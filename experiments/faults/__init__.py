"""What can happen to a run, made to happen: kills, signals, damage, hard numbers, much data."""
