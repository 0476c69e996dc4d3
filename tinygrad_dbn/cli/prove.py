"""tinygrad-dbn prove: one claim of the lecture, with its spoiled versions, and its derivations."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .. import book
from .terminal import listed, refuse

NOTHING_TO_RUN = 5  # pytest's exit code


def prove(
    claim: Annotated[str, typer.Argument(help="A claim of the lecture, such as H4.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Print derivations step by step, and what was run.")] = False,
    coq: Annotated[Path | None, typer.Option("--coq", help="Write its theorems of level A as a Coq file.")] = None,
) -> None:
    """Prove one claim: its theorems, each with the spoiled versions that must be refused."""
    try:
        root = book.checkout()
        if not claim:
            listed("claims", book.claims(root))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "record.json"
            written = ["-n0", f"--coq-file={coq.resolve()}"] if coq else []
            code = book.prove(root, f"--theorem={claim}", f"--record={file}", *written)
            if code == NOTHING_TO_RUN:
                refuse(f"no theorem names {claim}; THEOREMS.md lists the claims, from A1 to I7")
            if code:
                raise typer.Exit(1)
            found = book.load(file)
    except (ValueError, ImportError, OSError) as error:
        refuse(error)
    if show:
        _print(found)
    if coq:
        if not any(theorem["checked"] for theorem in found.theorems):
            refuse(f"no theorem of level A names {claim}: {coq} would say nothing, and was not written")
        print(f"{coq}: {', '.join(t['sentence'] for t in found.theorems if t['checked'])}. Check it with: coqc {coq}")


def _print(record: book.Record) -> None:
    for theorem in record.theorems:
        print(f"\n{theorem['claim']}, level {theorem['level']}: {theorem['sentence']}")
        print(f"  {record.levels[theorem['level']]}; {theorem['sizes']}; {theorem['where']}")
        if theorem["traced"]:
            print(f"  traced from {', '.join(theorem['traced'])}")
        for step in theorem["derivation"]:
            print(f"  {step}")
        if not theorem["derivation"]:
            print(f"  ran: {', '.join(place.partition(' ')[2] for place in theorem['executed'])}")
        for name in theorem["spoiled"]:
            print(f"  refused: {name}" + (f" ({theorem['rewritten'][name]})" if name in theorem["rewritten"] else ""))
            refusal = theorem["refusals"][name]
            print(f"    {': '.join(filter(None, (refusal['what'], refusal['witness'])))}")
