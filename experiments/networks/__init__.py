"""The same training of a small network here, in torch, and one step of it in float64 NumPy."""
