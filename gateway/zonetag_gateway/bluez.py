"""What BlueZ says of itself, over the system bus.  The one file that imports dbus_fast; bleak does the scanning.

Imported only where Bluetooth is wanted, so that replay and simulation need neither package.
"""

import asyncio
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.auth import AuthExternal
from dbus_fast.errors import AuthError, DBusError

from zonetag_gateway.errors import SourceError

SERVICE = "org.bluez"
_ADAPTER = "org.bluez.Adapter1"
_MONITORS = "org.bluez.AdvertisementMonitorManager1"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_NO_SERVICE = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
)
_ANSWER_S = 20.0  # a busy Pi takes seconds to list thousands of devices; bluetoothd that takes longer is stuck


@dataclass(frozen=True, slots=True)
class Adapter:
    """One Bluetooth adapter as bluetoothd shows it."""

    name: str
    # hci0
    powered: bool
    power_state: str
    # "on", "off", "off-blocked" (rfkill), ...; "" before BlueZ 5.65
    central: bool
    # can scan
    monitors: bool
    # offers advertisement monitors: passive scanning works (bluetoothd --experimental)
    discovering: bool
    # some program is scanning actively


class Bus:
    """A connection to the system bus that tells when bluetoothd, or the bus itself, goes away.

    async with Bus() as bus: ...; SourceError when there is no bus, no permission or no bluetoothd.
    """

    def __init__(self) -> None:
        # BLEAK_DBUS_AUTH_UID is bleak's own setting for a bus in another user namespace; both must agree.
        uid = os.environ.get("BLEAK_DBUS_AUTH_UID", "")
        try:
            self._bus = MessageBus(bus_type=BusType.SYSTEM, auth=AuthExternal(int(uid)) if uid.isdigit() else None)
        except OSError as error:
            raise no_bus(error) from error
        self._watched: set[str] = set()  # paths of adapters
        self.lost = asyncio.Event()
        # set when the bus is gone, bluetoothd has left it or been replaced, or a watched adapter is gone or off

    async def __aenter__(self) -> Self:
        try:
            await self._bus.connect()
            self._bus.add_message_handler(self._on_message)
            await self._match(
                "sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                f"member='NameOwnerChanged',arg0='{SERVICE}'"
            )
        except AuthError as error:
            self._bus.disconnect()
            raise _denied(str(error)) from error
        except (OSError, EOFError) as error:
            self._bus.disconnect()
            raise no_bus(error) from error
        except BaseException:
            self._bus.disconnect()
            raise
        self._watcher = asyncio.create_task(self._wait_for_end())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.disconnect()
        await self._watcher

    async def adapters(self) -> list[Adapter]:
        """Every adapter, by name; SourceError when bluetoothd does not answer."""
        objects = await self._call(
            Message(destination=SERVICE, path="/", interface=_OBJECTS, member="GetManagedObjects")
        )
        found = []
        for path, interfaces in sorted(objects.items()):
            if _ADAPTER in interfaces:
                say = {name: variant.value for name, variant in interfaces[_ADAPTER].items()}
                found.append(
                    Adapter(
                        path.rsplit("/", 1)[-1],
                        bool(say.get("Powered")),
                        str(say.get("PowerState", "")),
                        "central" in say.get("Roles", ["central"]),
                        _MONITORS in interfaces,
                        bool(say.get("Discovering")),
                    )
                )
        return found

    async def set_powered(self, adapter: str, *, on: bool) -> None:
        """Switch `adapter` (hci0) on or off; SourceError when bluetoothd does not do it."""
        await self._call(
            Message(
                destination=SERVICE,
                path=f"/org/bluez/{adapter}",
                interface=_PROPERTIES,
                member="Set",
                signature="ssv",
                body=[_ADAPTER, "Powered", Variant("b", on)],
            )
        )

    async def restart_bluetoothd(self) -> None:
        """Ask systemd for it, as `systemctl restart bluetooth` does; SourceError when it is not allowed."""
        await self._manage("systemd1", "RestartUnit", "ss", ["bluetooth.service", "replace"])

    async def reboot(self) -> None:
        """Ask logind for a reboot of this machine, without asking back; SourceError when it is not allowed."""
        await self._manage("login1", "Reboot", "b", [False])

    async def _manage(self, service: str, member: str, signature: str, body: list[Any]) -> None:
        name = f"org.freedesktop.{service}"
        path = "/" + name.replace(".", "/")
        call = Message(
            destination=name, path=path, interface=f"{name}.Manager", member=member, signature=signature, body=body
        )
        try:
            await self._call(call)
        except SourceError as error:
            raise SourceError(
                f"{name} does not do {member} ({error.what})",
                "Allow it to the gateway's user by a polkit rule (docs/en/listening.md), or lower recovery.highest",
            ) from error

    async def watch(self, adapter: str) -> None:
        """Set `lost` also when `adapter` (hci0) is unplugged or switched off."""
        path = f"/org/bluez/{adapter}"
        self._watched.add(path)
        await self._match(f"sender='{SERVICE}',interface='{_PROPERTIES}',member='PropertiesChanged',path='{path}'")
        await self._match(f"sender='{SERVICE}',interface='{_OBJECTS}',member='InterfacesRemoved',arg0path='{path}'")

    async def _match(self, rule: str) -> None:
        call = Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=[f"type='signal',{rule}"],
        )
        await self._call(call)

    async def _wait_for_end(self) -> None:
        try:
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus_fast leaves it untyped
        except (OSError, EOFError, DBusError):
            pass  # however it ended, it is lost
        finally:
            self.lost.set()

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [name, before, _]:
                gone = name == SERVICE and bool(before)
            case "InterfacesRemoved", [path, interfaces]:
                gone = path in self._watched and _ADAPTER in interfaces
            case "PropertiesChanged", [interface, {"Powered": powered}, _]:
                gone = message.path in self._watched and interface == _ADAPTER and not powered.value
            case _:
                gone = False
        if gone:
            self.lost.set()

    async def _call(self, message: Message) -> Any:
        try:
            async with asyncio.timeout(_ANSWER_S):
                reply = await self._bus.call(message)
        except (TimeoutError, OSError, EOFError, DBusError) as error:
            raise SourceError(
                f"{message.destination} does not answer on the system bus",
                "Restart it: sudo systemctl restart bluetooth",
            ) from error
        if reply is None or reply.message_type is MessageType.ERROR:
            raise refusal(reply.error_name or "" if reply else "", str(reply.body) if reply else "no reply")
        return reply.body[0] if reply.body else None


def refusal(name: str, text: str) -> SourceError:
    """The error for a D-Bus error called `name` with `text`."""
    if name in _NO_SERVICE or ".Spawn." in name:  # Spawn: the bus tried to start it and could not
        return SourceError(
            "bluetoothd is not running",
            "Start it: sudo systemctl enable --now bluetooth (or first: sudo apt install bluez)",
        )
    if "AccessDenied" in name or "NotAuthorized" in name or "NotPermitted" in name:
        return _denied(text)
    return SourceError(f"bluetoothd refused: {name} {text}", "See its log: journalctl -u bluetooth -e")


def no_bus(error: Exception) -> SourceError:
    """The error for a system bus that cannot be reached."""
    return SourceError(
        f"there is no D-Bus system bus ({error})",
        "Start it: sudo systemctl start dbus; in a container mount the host's /run/dbus",
    )


def _denied(text: str) -> SourceError:
    return SourceError(
        f"this user may not speak with bluetoothd ({text})",
        "Allow it: sudo usermod -aG bluetooth $USER, then log in again",
    )


async def look() -> list[Adapter]:
    """The adapters at this moment; SourceError as `Bus` gives it."""
    async with Bus() as bus:
        return await bus.adapters()
