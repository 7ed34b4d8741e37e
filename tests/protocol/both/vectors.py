"""Where the vectors lie: `tests/vectors`, or ZONETAG_VECTORS (those made from installed packages lie only there)."""

import json
import os

FOLDER = os.getenv("ZONETAG_VECTORS") or __file__.rsplit("/", 3)[0] + "/vectors"


def use(folder: str) -> None:
    """Take the vectors from another folder."""
    global FOLDER  # noqa: PLW0603  # the one setting of a test run
    FOLDER = folder


def load(name: str):  # whatever JSON holds; no `typing` on MicroPython
    """A file of vectors, whole."""
    with open(FOLDER + "/" + name + ".json") as file:
        return json.load(file)


def lines(name: str):  # an iterator of lists of bytes
    """A file with one vector a line, as lists of words: it need not fit into a tag's heap.  `-` stands for nothing."""
    with open(FOLDER + "/" + name + ".txt") as file:
        for line in file:
            words = line.split()
            yield [b"" if word == "-" else bytes.fromhex(word) for word in words]
