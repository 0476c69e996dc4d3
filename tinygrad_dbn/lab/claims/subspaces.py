"""Stacked subspaces of patches of photographs, still and moving (claim C2; Le, Zou, Yeung & Ng 2011)."""

from typing import Any

import numpy as np

from ...datasets.photographs import Part, moving_patches, patches
from ...learning import Convolution, Stack, SubspaceModule, pretrain
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import filters

Shape = tuple[int, ...]
SHAPES: dict[str, tuple[Shape, Shape, Shape]] = {
    "still": ((14, 14), (10, 10), (4, 4)),
    "moving": ((8, 12, 12), (6, 8, 8), (2, 4, 4)),
}
"""Of a patch, of the windows that the first layer sees in it, and of the steps between them; frames come first."""
FEATURES = {"still": 40, "moving": 60}
LEFT, RIGHT = (0.0, 0.75), (0.75, 1.0)  # the parts of the photographs to learn from, and to measure on
SYSTEMS = ("random subspaces", "one layer", "two layers")
CONDITIONS = tuple(f"{kind}: {system}" for kind in SHAPES for system in SYSTEMS)
FREQUENCIES, TURNS, PHASES = (
    (0.06, 0.1, 0.16, 0.25, 0.4),
    16,
    8,
)  # cycles a pixel; directions, phases of a turn


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """How sparse features are on patches that were not learned from, and how they answer gratings."""
    kind, system = condition.split(": ")
    shape, window, _ = SHAPES[kind]
    rng = np.random.default_rng(seed)
    counts = (300, 100) if quick else (5000, 2000)
    X, held_out = (drawn(kind, count, rng, part) for count, part in zip(counts, (LEFT, RIGHT), strict=True))
    stack = _stacked(kind, system, X, seed, quick)
    features = np.asarray(stack.encode(held_out), float)
    answers = _answers(stack, shape, float(np.sqrt(2 * np.square(X).mean())))
    preferred = answers.mean(axis=2).reshape(-1, features.shape[1]).argmax(axis=0)
    every = np.arange(features.shape[1])
    best = answers.reshape(-1, PHASES, features.shape[1])[preferred, :, every]
    opposite = np.roll(answers, TURNS // 2, axis=0).reshape(-1, PHASES, features.shape[1])[preferred, :, every]
    lower: Any = stack.layers[0]
    W = lower.layer.W.reshape(-1, *window)
    return {
        "sparse": float((features.mean(axis=0) / np.sqrt(np.square(features).mean(axis=0))).mean()),
        "modulation": float((np.ptp(best, axis=1) / (best.max(axis=1) + best.min(axis=1))).mean()),
        "direction": float(1 - (opposite.mean(axis=1) / best.mean(axis=1)).mean()),  # still gratings do not drift: 0
        "filters": np.round(W[:24].astype(float), 3).tolist() if seed == 0 and system != "two layers" else [],
    }


def drawn(kind: str, count: int, rng: np.random.Generator, part: Part = (0, 1)) -> Any:
    """Patches (count, numbers in one), each about its own mean."""
    first, side, *_ = SHAPES[kind][0]  # of moving ones the frames come first
    still = kind == "still"
    found = patches(count, side, rng, part) if still else moving_patches(count, first, side, rng, part=part)
    X = found.reshape(count, -1)
    return X - X.mean(axis=1, keepdims=True)


def _stacked(kind: str, system: str, X: Any, seed: int, quick: bool) -> Stack:
    features = 8 if quick else FEATURES[kind]
    module = SubspaceModule(steps=0 if system == SYSTEMS[0] else 3 if quick else 100)
    lower = Convolution(module, *SHAPES[kind], windows=400 if quick else 20_000)
    levels = 2 if system == "two layers" else 1
    return pretrain((features, features)[:levels], (lower, module)[:levels], X, seed)


def _answers(stack: Stack, shape: Shape, contrast: float) -> Any:
    """What features make of gratings: (directions, frequencies, phases, H)."""
    found = [
        stack.encode(np.stack([grating(shape, turn, f, phase, contrast).ravel() for phase in range(PHASES)]))
        for turn in range(TURNS)
        for f in FREQUENCIES
    ]
    return np.asarray(found, float).reshape(TURNS, len(FREQUENCIES), PHASES, -1)


def grating(shape: Shape, turn: int, frequency: float, phase: int, contrast: float) -> Any:
    """A sine in a direction, one of `TURNS`, about its mean; where there are frames it drifts there by a pixel each."""
    t, down, right = np.indices((1,) * (3 - len(shape)) + shape, np.float32)
    angle = 2 * np.pi * turn / TURNS
    along = np.sin(angle) * down + np.cos(angle) * right - t
    wave = contrast * np.sin(2 * np.pi * (frequency * along + phase / PHASES))
    return (wave - wave.mean()).astype(np.float32).reshape(shape)


def _draw(results: Results, dark: bool) -> bytes:
    shown = [c for c in CONDITIONS if results.get((c, 0), {}).get("filters")]
    panels = []
    for condition in shown:
        W = np.array(results[condition, 0]["filters"])
        frames = W.reshape(len(W), -1, *W.shape[-2:])
        panels.append((condition, frames[:8] if frames.shape[1] > 1 else frames.reshape(-1, 4, *W.shape[-2:])))
    return filters(panels, dark)


def _sizes(kind: str) -> str:
    shape, window, stride = (" × ".join(map(str, sizes)) for sizes in SHAPES[kind])
    return f"{kind} patches of {shape}, windows of {window}, {stride} apart, {FEATURES[kind]} features a layer"


EXPERIMENT = Experiment(
    claim="C2",
    title="Stacked subspaces of photographs",
    method=(
        "5 000 patches of the left three quarters of scikit-learn's two photographs, and 2 000 of the right quarter to "
        f"measure on. {_sizes('still')}; "
        f"{_sizes('moving')}, frames first: a window that goes straight over a photograph, by at most two pixels a "
        "frame. Features are lengths in subspaces of two dimensions. The second layer learns from the first one's "
        "features of all windows, reduced by PCA. Random subspaces are drawn in the same whitened space. Sparse: a "
        "feature's mean over its root mean square, 0.886 if projections were normal, less if sparse. Modulation: "
        "(max − min) / (max + min) over the phases of the grating that a feature prefers; 0 does not mind the phase, 1 "
        "is a line filter's. Direction: 1 − the answer to the opposite drift over that to the preferred one."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={
        "sparse": "mean / rms on other patches",
        "modulation": "modulation by phase",
        "direction": "selective for direction",
    },
    comparisons=(
        *(
            Comparison(figure, f"{kind}: one layer", f"{kind}: random subspaces", says=f"{kind}: {figure}, learned")
            for kind in SHAPES
            for figure in ("sparse", "modulation")
        ),
        *(
            Comparison("modulation", f"{kind}: two layers", f"{kind}: {other}", says=f"{kind}: modulation, {says}")
            for kind in SHAPES
            for other, says in (("one layer", "a second layer"), ("random subspaces", "two layers, learned"))
        ),
        Comparison(
            "direction", "moving: one layer", "moving: random subspaces", lower=False, says="direction, learned"
        ),
    ),
    draw=_draw,
)
