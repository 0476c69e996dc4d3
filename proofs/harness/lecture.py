"""The lecture's claims, by number: what each says, in words and in mathematics, and what measures the empirical ones.

The lecture: Hugo Larochelle, *Neural networks: deep learning*. A claim is decided by a theorem that names its number,
or by a measurement, or by both; `tests/test_book.py` holds that there is none without.
"""

from dataclasses import dataclass

CHAPTERS = {
    "A": "Feed-forward networks",
    "B": "Why depth, and why it is hard",
    "C": "Unsupervised pre-training",
    "D": "The lecture's tables",
    "E": "Dropout",
    "F": "Deep autoencoder",
    "G": "Restricted Boltzmann machine and deep belief network",
    "H": "Variational bound",
    "I": "Pre-training of deep belief networks",
}


@dataclass(frozen=True)
class Claim:
    """A claim: its number, a title, its statement as LaTeX, and the command and picture that measure it."""

    number: str
    title: str
    statement: str
    command: str = ""
    picture: str = ""


PICTURES = {
    "measure vanishing": "vanishing.png",
    "measure fitting": "fitting.png",
    "table modules": "modules.png",
    "table depth": "depth.png",
    "measure regions": "regions.png",
    "measure width": "width.png",
    "table datasets": "data.png",
    "measure dropout": "dropout.png",
    "measure autoencoder": "autoencoder.png",
    "measure documents": "documents.png",
    "measure newton": "newton.png",
    "study": "study.png",
    "measure clamped": "clamped.png",
    "lab": "digits.png",
    "measure updown": "updown.png",
}
"""What measures a claim → the picture that it draws, where there is one to show."""


def measured(number, title, statement, by):
    """A claim that the command `tinygrad-dbn {by}` measures."""
    return Claim(number, title, statement, f"tinygrad-dbn {by}", PICTURES.get(by, ""))


CLAIMS = (
    Claim("A1", "Pre-activation", r"a^{(k)}(x) = b^{(k)} + W^{(k)} h^{(k-1)}(x), \quad h^{(0)}(x) = x"),
    Claim("A2", "Hidden activation", r"h^{(k)}(x) = g(a^{(k)}(x)), \quad k = 1, \dots, L"),
    Claim("A3", "Output and loss", r"f(x) = \operatorname{softmax}(a^{(L+1)}(x)), \quad \ell(x, y) = -\log f(x)_y"),
    Claim("A4", "Output gradient", r"\nabla_{a^{(L+1)}} \left(-\log f(x)_y\right) = -(e(y) - f(x))"),
    Claim(
        "A5",
        "Gradient of the parameters",
        r"\nabla_{W^{(k)}} = \left(\nabla_{a^{(k)}}\right) h^{(k-1) \top}, \quad \nabla_{b^{(k)}} = \nabla_{a^{(k)}}",
    ),
    Claim(
        "A6",
        "Gradient of the hidden layer below",
        r"\nabla_{h^{(k-1)}} = W^{(k) \top} \nabla_{a^{(k)}}, "
        r"\quad \nabla_{a^{(k-1)}} = \nabla_{h^{(k-1)}} \odot g'(a^{(k-1)})",
    ),
    Claim("A7", "Distributed representation", r"n \text{ features name } 2^n \text{ regions, } n \text{ clusters } n"),
    Claim(
        "B1", "One hidden layer computes any Boolean function", r"f(x) = \bigvee_{u : f(u) = 1} \bigwedge_i [x_i = u_i]"
    ),
    Claim(
        "B2",
        "Parity needs exponentially many AND gates, or depth",
        r"\text{one layer: } 2^{n-1} \text{ terms}, \quad \text{deep: } 4(n-1) \text{ gates}",
    ),
    measured(
        "B3",
        "Vanishing gradient",
        r"\operatorname{sigm}'(a) \le \tfrac{1}{4}, \quad "
        r"\left|\nabla_{a^{(1)}}\right| \le \left|\nabla_{a^{(L+1)}}\right| \prod_k \tfrac{1}{4} \left|W^{(k)}\right|",
        "measure vanishing",
    ),
    measured(
        "B4", "Underfitting against overfitting", "E_{test} = E_{train} + (E_{test} - E_{train})", "measure fitting"
    ),
    Claim("C1", "Greedy and layer-wise", r"D = \{h^{(l-1)}(x^{(t)})\}_{t = 1}^{T}"),
    measured(
        "C2",
        "Greedy modules",
        r"\text{RBM, autoencoder, denoising, sparse; embedding, kernel PCA, subspaces}",
        "table modules",
    ),
    Claim("C3", "Where the network starts", r"W^{(l)}, b^{(l)} \leftarrow \text{module } l, \quad l = 1, \dots, L"),
    measured(
        "C4", "Fine-tuning", r"\theta \leftarrow \theta - \alpha \nabla_\theta \left(-\log f(x)_y\right)", "table depth"
    ),
    measured(
        "C5",
        "Pre-training leads to another region of function space",
        r"\theta \mapsto (f(x^{(1)}; \theta), \dots, f(x^{(T)}; \theta))",
        "measure regions",
    ),
    measured("C6", "Width of the hidden layers", r"n \mapsto E_{test}(n)", "measure width"),
    measured("D1", "Impact of initialisation, by depth", r"E_{test}(\text{depth}, \text{start})", "table depth"),
    measured("D2", "Data sets", r"E_{test}(\text{data}, \text{system})", "table datasets"),
    Claim("E1", "Dropout", r"h^{(k)}(x) = g(a^{(k)}(x)) \odot m^{(k)}, \quad m^{(k)} \in \{0, 1\}^{n_k}"),
    Claim(
        "E2",
        "Backpropagation with dropout",
        r"\nabla_{a^{(k-1)}} = \nabla_{h^{(k-1)}} \odot g'(a^{(k-1)}) \odot m^{(k-1)}",
    ),
    Claim("E3", "At test time masks are their expectation", r"m^{(k)} \to \mathbb{E}[m^{(k)}]"),
    Claim("E4", "One layer: the geometric mean of all masked networks", r"f(x)_c \propto \prod_m f(x; m)_c^{1 / 2^n}"),
    measured(
        "E5",
        "Dropout combines with pre-training",
        r"E_{test}(\text{dropout}) < E_{test}(\text{none})",
        "measure dropout",
    ),
    Claim(
        "F1", "Unrolling", r"\hat{x} = \operatorname{sigm}(b + W^\top h(x)), \quad h(x) = \operatorname{sigm}(c + W x)"
    ),
    measured(
        "F2", "A case of underfitting", r"E_{train}(\text{RBMs}) < E_{train}(\text{random})", "measure autoencoder"
    ),
    measured("F3", "Below PCA", r"\tfrac{1}{2} |x - \hat{x}|^2", "measure autoencoder"),
    measured("F4", "Two numbers show the data", r"h^{(L)}(x) \in \mathbb{R}^2", "measure documents"),
    measured("F5", "Better optimisers", r"G v = J^\top H J v", "measure newton"),
    measured(
        "G0",
        "Restricted Boltzmann machine",
        r"E(x, h) = -h^\top W x - c^\top h - b^\top x, \quad p(x) = e^{-F(x)} / Z",
        "study",
    ),
    Claim(
        "G1",
        "A deep belief network",
        r"p(h^{(L-1)}, h^{(L)}) = \frac{1}{Z} \exp(h^{(L-1) \top} W^{(L)} h^{(L)} "
        r"+ b^{(L-1) \top} h^{(L-1)} + b^{(L) \top} h^{(L)})",
    ),
    Claim(
        "G2",
        "The joint",
        r"p(x, h^{(1)}, h^{(2)}, h^{(3)}) = p(h^{(2)}, h^{(3)}) \, p(h^{(1)} | h^{(2)}) \, p(x | h^{(1)})",
    ),
    Claim("G3", "Neither feed-forward nor a Boltzmann machine", r"p(h^{(1)} | x) \ne \prod_j q(h_j^{(1)} | x)"),
    measured("G4", "In action", r"h^{(L-1)} \sim \text{Gibbs}, \quad x \sim p(x | h^{(1)})", "measure clamped"),
    Claim(
        "G5", "Stacking improves the prior", r"p(x) = \sum_{h^{(1)}} p(x | h^{(1)}) \sum_{h^{(2)}} p(h^{(1)}, h^{(2)})"
    ),
    Claim("H1", "Concavity of the logarithm", r"\log \sum_i \omega_i a_i \ge \sum_i \omega_i \log a_i"),
    Claim("H2", "The bound", r"\log p(x) \ge \sum_h q(h | x) \log p(x, h) - \sum_h q(h | x) \log q(h | x)"),
    Claim("H3", "Equality", "q(h | x) = p(h | x)"),
    measured("H4", "The gap", r"\operatorname{KL}(q \| p) = \sum_h q(h | x) \log \frac{q(h | x)}{p(h | x)}", "lab"),
    Claim("I1", "One layer ties p(x|h) to p(h)", r"\log p(x, h^{(1)}) = \log p(x | h^{(1)}) + \log p(h^{(1)})"),
    Claim("I2", "What the second layer learns", r"\min \, -\sum_{h^{(1)}} q(h^{(1)} | x) \log p(h^{(1)})"),
    Claim(
        "I3",
        "The recognition model",
        r"q(h^{(1)} | x) = \prod_j s_j^{h_j} (1 - s_j)^{1 - h_j}, \quad s_j = \operatorname{sigm}(c_j + W_j x)",
    ),
    Claim("I4", "Tied, two layers are one", r"W^{(2)} = W^{(1) \top} \Rightarrow p_{DBN}(x) = p_{RBM}(x)"),
    Claim("I5", "And so on", r"\log p(x) = \text{bound}_L(x) + \sum_{k} \mathbb{E}_q \operatorname{KL}(q_k \| p_k)"),
    measured("I6", "A loose bound", r"\Delta \, \text{bound} > 0, \quad \Delta \log p(x) < 0", "study"),
    measured(
        "I7",
        "Up-down",
        r"\text{wake: } \nabla \mathbb{E}_q \log p(x, h), \quad \text{sleep: } \nabla \mathbb{E}_p \log q(h | x)",
        "measure updown",
    ),
)
