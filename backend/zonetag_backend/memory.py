"""How Python looks for what can be thrown away, in a program that runs for months.

Nearly all that a server holds it holds from its start on: code, templates, texts, the tables of the database.  Looking
through all of that again and again is in vain, and took 110 ms of every second view of a list of 2,000 people.
"""

import gc

NEW = 10_000  # objects more than before, until the youngest are looked through: a page makes so many


def settle() -> None:
    """What is there now is there to stay, and is not looked through any more.  Called once, when all is started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW, *gc.get_threshold()[1:])
