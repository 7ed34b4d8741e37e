"""What the backend may set over the link (SPEC.md section 12.7), kept in NVS."""

from zonetag_protocol import linkmessage
from zonetag_protocol.errors import Malformed
from zonetag_tag import records
from zonetag_tag.board import Board

NAME = "settings"


class Settings:
    """The settings of the tag whose card has the check `owner`."""

    def __init__(self, board: Board, owner: bytes) -> None:
        self._board = board
        self._owner = owner
        self.told: dict[int, int] = {}  # what the backend has set; all else is at its default
        saved = records.unpack(owner, NAME, board.nvs_get(NAME))
        if saved:
            try:
                self.told = linkmessage.unpack_settings(saved) or {}
            except Malformed:  # of another firmware
                self.told = {}

    def get(self, name: int) -> int:
        """The value in force."""
        return self.told.get(name, linkmessage.SETTING_RANGES[name][2])

    def take(self, values: dict[int, int]) -> bool:
        """Set these beside those that are set; False, and nothing is changed, if NVS does not take them."""
        told = dict(self.told)
        told.update(values)
        lasting = {name: told[name] for name in told if name != linkmessage.CONNECTABLE or told[name]}
        packed = records.pack(self._owner, NAME, linkmessage.pack_settings(lasting))
        if not self._board.nvs_set(NAME, packed):
            return False
        self.told = told
        return True
