"""The lab: train a small deep belief network layer by layer and watch its exact likelihood at every epoch.

`run.run` does the work for `tinygrad-dbn lab`; the other files record, draw and explain it.
"""
