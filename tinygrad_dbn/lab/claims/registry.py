"""The experiments by name."""

from . import autoencoder, clamped, dropout, fitting, regions, schedule, updown, vanishing, width
from .experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "vanishing": vanishing.EXPERIMENT,
    "fitting": fitting.EXPERIMENT,
    "regions": regions.EXPERIMENT,
    "width": width.EXPERIMENT,
    "dropout": dropout.EXPERIMENT,
    "autoencoder": autoencoder.EXPERIMENT,
    "clamped": clamped.EXPERIMENT,
    "updown": updown.EXPERIMENT,
    "schedule": schedule.EXPERIMENT,
}
