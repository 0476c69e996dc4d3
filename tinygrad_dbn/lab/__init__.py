"""The lab: small models trained, measured by exact sums, drawn and written down.

`run` is `tinygrad-dbn lab`: one deep belief network, measured at every epoch. `study`, `tables` and `claims` are the
commands `study`, `table` and `measure`: many trainings, compared. What the four share is in the files of this folder.
"""
