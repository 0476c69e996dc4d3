"""The experiments by name."""

from . import (
    autoencoder,
    clamped,
    documents,
    dropout,
    embedding,
    fitting,
    gaussian,
    newton,
    regions,
    schedule,
    subspaces,
    updown,
    vanishing,
    width,
)
from .experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "vanishing": vanishing.EXPERIMENT,
    "fitting": fitting.EXPERIMENT,
    "regions": regions.EXPERIMENT,
    "width": width.EXPERIMENT,
    "dropout": dropout.EXPERIMENT,
    "autoencoder": autoencoder.EXPERIMENT,
    "newton": newton.EXPERIMENT,
    "documents": documents.EXPERIMENT,
    "gaussian": gaussian.EXPERIMENT,
    "clamped": clamped.EXPERIMENT,
    "updown": updown.EXPERIMENT,
    "schedule": schedule.EXPERIMENT,
    "embedding": embedding.EXPERIMENT,
    "subspaces": subspaces.EXPERIMENT,
}
