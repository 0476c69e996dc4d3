"""What a theorem calls is noted: all of it, by every note that is being taken, and nothing while none is to be."""

from proofs.harness.record import noted, unnoted


def first():
    return 1


def second():
    return 2


def third():
    return 3


def names(called):
    return {code.co_name for code in called.values()} & {"first", "second", "third"}


def test_the_outer_note_has_what_the_inner_one_has():
    with noted() as outer:
        first()
        with noted() as inner:
            second()
        third()
    assert names(inner) == {"second"}
    assert names(outer) == {"first", "second", "third"}


def test_what_is_not_to_be_noted_is_not_and_the_rest_is():
    with noted() as called:
        first()
        with unnoted():
            second()
        third()
    assert names(called) == {"first", "third"}
    with unnoted():  # where no note is being taken nothing changes
        assert second() == 2


def test_a_note_that_is_given_is_added_to():
    with noted() as called:
        first()
    with noted(called):
        second()
    assert names(called) == {"first", "second"}
