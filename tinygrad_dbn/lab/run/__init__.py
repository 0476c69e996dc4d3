"""One training of a deep belief network, measured exactly at every epoch, and its folder, pictures and report."""
