"""The trained model of a run, examined exactly."""
