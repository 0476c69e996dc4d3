"""The sums themselves, for plain arrays of floats: products of odds, matrix products, and bounds on their errors."""
