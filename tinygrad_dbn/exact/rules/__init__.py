"""What the sampled learning rules do on average, and how far that is from the gradient."""
