"""Chips and boards that tags are made of, and where on their flash things stand.  A table, no logic."""

from dataclasses import dataclass

from zonetag_flash.errors import FlashError

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Family:
    """One chip family as esptool names it."""

    name: str
    # esptool's CHIP_NAME
    image_offset: int
    # where a combined MicroPython image begins in flash
    default_board: str
    # if the user names none


@dataclass(frozen=True, slots=True)
class Board:
    """One board that the firmware has a table of pins for."""

    name: str
    # short, for --board
    pins: str
    # its name in the firmware's table, written to `board.txt`
    family: str
    title: str
    # as people call it


# The ROM of the first ESP32 looks for its bootloader at 0x1000, the later ones at 0.
FAMILIES = {
    family.name: family
    for family in (
        Family("ESP32", 0x1000, "devkit"),
        Family("ESP32-C3", 0x0, "c3"),
        Family("ESP32-S3", 0x0, "s3"),
    )
}
BOARDS = {
    board.name: board
    for board in (
        Board("devkit", "esp32-devkit", "ESP32", "ESP32 DevKit"),
        Board("c3", "esp32-c3-supermini", "ESP32-C3", "ESP32-C3 SuperMini"),
        Board("s3", "esp32-s3-devkit", "ESP32-S3", "ESP32-S3"),
        Board("m5stickc-plus2", "m5stickc-plus2", "ESP32", "M5StickC Plus 2"),
    )
}


def board_for(chip: str, wanted: str | None) -> Board:
    """The board to flash on a chip that was found; FlashError when the two do not go together."""
    family = FAMILIES.get(chip)
    if family is None:
        known = ", ".join(FAMILIES)
        raise FlashError(
            "wrong-chip", f"The chip on this port is {chip}.", f"Tags are made of {known}: use such a board."
        )
    if wanted is None:
        return BOARDS[family.default_board]
    board = BOARDS[wanted]
    if board.family != chip:
        raise FlashError(
            "wrong-chip",
            f"{board.title} has a chip {board.family}, but the one on this port is {chip}.",
            "Plug in the right board, or name the one that is there with --board.",
        )
    return board
