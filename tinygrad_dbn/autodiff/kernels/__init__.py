"""How a function of scalars, or of a line, runs on arrays: compiled for floats, as it stands on objects."""
