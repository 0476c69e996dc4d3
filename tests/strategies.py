"""What Hypothesis draws: small models of every shape, with weights from mild to harsh."""

from itertools import pairwise

from hypothesis import strategies as st

import tinygrad_dbn as td
from tests.random_models import random_rbm


@st.composite
def rbms(draw, visible=None, hidden=None, scales=(0.1, 1.0, 5.0)):
    D = visible or draw(st.integers(1, 5))
    H = hidden or draw(st.integers(1, 4))
    seed, scale = draw(st.integers(0, 2**32)), draw(st.sampled_from(scales))
    return random_rbm(D, H, scale, scale, seed)


@st.composite
def dbns(draw, depths=(2, 3)):
    sizes = [draw(st.integers(1, 4)) for _ in range(1 + draw(st.sampled_from(depths)))]
    return td.DBN.from_rbms([draw(rbms(v, h)) for v, h in pairwise(sizes)])
