"""A stand-in for systemd or logind on a bus: takes note of what it is asked, and allows it or not."""

from collections.abc import Callable
from typing import Any, Self

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.auth import AuthExternal

DENIED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"  # what a user without a polkit rule is told


class Manager:
    """`async with Manager(address, "systemd1") as systemd: ...`"""

    def __init__(
        self,
        address: str,
        service: str,
        *,
        allows: bool = True,
        uid: int | None = None,
        act: Callable[[], None] = lambda: None,
    ) -> None:
        """`uid`: whom the bus shall take us for, where it is not our own; `act`: done at each call that is allowed."""
        self._uid = uid
        self._act = act
        self._address = address
        self._name = f"org.freedesktop.{service}"
        self._allows = allows
        self.calls: list[tuple[str, list[Any]]] = []
        # member and arguments of every call, in order

    async def __aenter__(self) -> Self:
        self._bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM, auth=AuthExternal(self._uid))
        await self._bus.connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name(self._name)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface != f"{self._name}.Manager":
            return None
        self.calls.append((message.member or "", message.body))
        if not self._allows:
            return Message.new_error(message, DENIED, "Interactive authentication required.")
        self._act()
        return Message.new_method_return(message)
