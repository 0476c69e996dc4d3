"""What docstrings say of keywords is held against the signatures of the functions that they speak of."""

import importlib
import inspect
import pkgutil
import re

import tinygrad_dbn

CALL = re.compile(r"`(?:[\w.]*\.)?(\w+)\(([^`]*)\)`")  # `f(x, name=value)`
KEYWORD = re.compile(r"(?<![\w.(])(\w+)=(?!=)[\w'\"({\[]")  # name=value
NAMED = re.compile(r"`(?:[\w.]*\.)?(\w+)(?:\([^`]*\))?`")  # `f` or `td.f(…)`
SENTENCE = re.compile(r"(?<=[.:;])\s+|\n\s*\n")


def modules():
    for found in pkgutil.walk_packages(tinygrad_dbn.__path__, "tinygrad_dbn."):
        if not found.name.endswith("__main__"):  # which runs
            yield importlib.import_module(found.name)


def test_every_public_function_and_class_says_what_it_is():
    silent = []
    for module in modules():
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
            if own and (inspect.isfunction(value) or inspect.isclass(value)) and not value.__doc__:
                silent.append(f"{module.__name__}.{name}")
    # The costs are named after the quantities whose cost they predict; the file says so once.
    assert [where for where in silent if not where.startswith("tinygrad_dbn.exact.costs.")] == []


def parameters(function):
    """The names of its parameters; of a class, those it is made with. None where it takes any keyword."""
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    return None if any(p.kind is p.VAR_KEYWORD for p in found.values()) else set(found)


def functions():
    """Every public function, class and method of the package: (where, name, object)."""
    for module in modules():
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                yield module, name, value
            if inspect.isclass(value):
                for method, f in vars(value).items():
                    f = f.__func__ if isinstance(f, classmethod | staticmethod) else f
                    if inspect.isfunction(f) and not method.startswith("_"):
                        yield module, f"{name}.{method}", f


def prose(text):
    """A docstring without its examples."""
    return "\n".join(
        line for line in inspect.cleandoc(text).split("\n") if not line.lstrip().startswith((">>>", "..."))
    )


def claims(text):
    """(keyword, functions it is said of) in a docstring; no functions where it is the docstring's own."""
    for sentence in SENTENCE.split(prose(text)):
        inside = [*CALL.finditer(sentence)]
        for call in inside:
            for keyword in re.findall(r"(?:^|,\s*)(\w+)=", call[2]):
                yield keyword, [call[1]]
        rest = CALL.sub("", sentence)
        named = [m[1] for m in NAMED.finditer(rest)]
        for keyword in KEYWORD.findall(rest):
            yield keyword, named


PARAMETERS = {}
for _, _name, _value in functions():
    PARAMETERS.setdefault(_name.rsplit(".", 1)[-1], []).append(parameters(_value))


def has(function, keyword):
    """Whether some function of that name has the keyword; True where there is none of that name in the package."""
    found = PARAMETERS.get(function)
    return not found or any(names is None or keyword in names for names in found)


def wrong(text, own):
    for keyword, named in claims(text):
        spoken_of = [name for name in named if name in PARAMETERS]
        if own is not None and keyword in own:
            continue
        if not spoken_of and own is not None:
            yield keyword, "its own"
        for name in spoken_of:
            if not has(name, keyword):
                yield keyword, name


def test_keywords_that_docstrings_name_exist():
    found = []
    for module in modules():
        found += [(module.__name__, *w) for w in wrong(module.__doc__ or "", None)]
    for module, name, value in functions():
        names = parameters(value)
        if names is not None and value.__doc__:
            found += [(f"{module.__name__}.{name}", *w) for w in wrong(value.__doc__, names)]
    assert not found


def test_every_argument_can_be_given_by_its_name():
    found = [
        f"{module.__name__}.{name}({parameter.name}, /)"
        for module, name, value in functions()
        if parameters(value) is not None
        for parameter in inspect.signature(value).parameters.values()
        if parameter.kind is parameter.POSITIONAL_ONLY
    ]
    assert found == []
