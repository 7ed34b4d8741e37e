"""What can go wrong at the flashing desk: a code for programs, plain words for people, and the cure."""


class FlashError(Exception):
    """One failure.  `code` is stable, `what` says what happened, `cure` what to do about it."""

    def __init__(self, code: str, what: str, cure: str) -> None:
        super().__init__(f"{what} {cure}")
        self.code = code
        self.what = what
        self.cure = cure
