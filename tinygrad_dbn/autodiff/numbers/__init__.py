"""Other arithmetics in which the library's functions run: symbols, rationals with logarithms, balls."""
