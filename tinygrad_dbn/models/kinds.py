"""The kinds of RBM: hidden units of zeros and ones under visible units of any kind.

Each is `Restricted` (`restricted.py`) and has `units`, which names what x is made of, `made_of`, which says it in
words, and `_can_be`, which tells it of each element; `energy`, `free_energy` of x, `hidden_free_energy` of h,
`visible_given_hidden` (the mean of x), `draw_visible`, `hidden_is_smaller` (the side that sums over states take), and
`directed`, its lower half as a layer of a DBN. A new kind has these, a line here, and a check of its data in
`exact/data.py`.
"""

from .categorical import CategoricalRBM
from .gaussian import GaussianRBM
from .rbm import RBM

AnyRBM = RBM | GaussianRBM | CategoricalRBM
"""An RBM of visible units of any kind."""
