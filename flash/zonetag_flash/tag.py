"""One tag from bare board to label: the steps, in their order."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from zonetag_flash import chips, filesystem, label, micropython, partitions, ports, speech
from zonetag_flash.chip import Chip
from zonetag_flash.errors import FlashError
from zonetag_flash.programs import CARD_FILE
from zonetag_flash.records import Records
from zonetag_protocol import card
from zonetag_protocol.bundle import Issued

Tell = Callable[[str, int, int], None]  # step, done, of


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for every tag of a run."""

    files: dict[str, bytes]
    # of the tag's file system, without its card
    image: Path | None
    # MicroPython; none: the official one
    version: str | None
    board: str | None
    moving_ms: int
    rest_ms: int
    company: int
    tx: int
    # the fleet's constants, as on the card
    backend: X25519PublicKey
    records: Records
    cache: Path
    listen_s: float
    # how long to wait for the tag's first words


@dataclass(frozen=True, slots=True)
class Done:
    """A flashed tag, as `--json` prints it."""

    verified: bool
    number: str
    label: str
    port: str
    chip: str
    board: str
    bundle: str
    identifier: str
    # "confirmed" over serial, or "silent": then only what was written has been verified


def look(port: str, board: str | None) -> tuple[str, chips.Board]:
    """What chip is on a port, and which board to flash for; writes nothing."""
    ports.check(port)
    with Chip(port) as chip:
        return chip.name, chips.board_for(chip.name, board)


def flash(plan: Plan, port: str, wanted: str | None, wearer: str, *, now_s: int, tell: Tell) -> Done:
    """Flash, provision, verify, record and label one tag; FlashError at the first step that fails."""
    ports.check(port)
    with plan.records.reserved(wanted) as number:
        tell("connect", 0, 1)
        with Chip(port) as chip:
            board = chips.board_for(chip.name, plan.board)
            family = chips.FAMILIES[chip.name]
            image = (
                micropython.from_file(plan.image)
                if plan.image
                else micropython.fetched(plan.version, family.name, plan.cache)
            )
            vfs = partitions.vfs_of(image, family.image_offset, chip.flash_bytes())
            if family.image_offset + len(image) > vfs.offset:
                raise FlashError(
                    "too-large", "The image reaches into the file system.", "Use an image for this layout."
                )
            issued = Issued(
                card.Card(number, secrets.token_bytes(16), now_s, plan.moving_ms, plan.rest_ms, plan.company, plan.tx),
                now_s,
            )
            files = plan.files | {CARD_FILE: card.pack(issued.card), "board.txt": board.pins.encode()}
            system = filesystem.image_of(files, vfs.size)
            chip.write([(family.image_offset, image), (vfs.offset, system)], lambda done, of: tell("write", done, of))
            chip.reset()
        tell("listen", 0, 1)
        must_speak = plan.listen_s > 0 and ports.is_board(port)
        heard = speech.demand(speech.listen(port, issued.card, plan.listen_s), must_speak)
        path = plan.records.folder / f"label-{number}.pdf"
        try:
            label.write([label.Label(number, wearer)], path)
            plan.records.add(issued, plan.backend)  # last: what stands in the bundle has all that belongs to it
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return Done(True, number, str(path), port, chip.name, board.name, str(plan.records.bundle), heard)
