"""A private system bus (a real dbus-daemon) and on it a stand-in for bluetoothd, as far as a scanner sees one.

It answers what bleak and `zonetag_gateway.bluez` ask, and announces devices the way bluetoothd 5.66 was seen to: one
InterfacesAdded, then PropertiesChanged with whatever changed.  It proves nothing about the real bluetoothd.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy>
</busconfig>"""


class SystemBus:
    """A dbus-daemon of the test's own."""

    def __init__(self, program: str) -> None:
        # A socket's path has 107 bytes at most: too few for a folder of pytest's.
        self._folder = TemporaryDirectory(prefix="bus-")
        folder = Path(self._folder.name)
        config = folder / "bus.conf"
        config.write_text(_CONFIG.format(socket=folder / "bus"))
        self.address = f"unix:path={folder / 'bus'}"
        self._process = subprocess.Popen(
            [program, f"--config-file={config}", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline()  # its address: it listens

    def stop(self) -> None:
        """End it, as a crash of the bus would."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._folder.cleanup()


class Bluetoothd:
    """One adapter, hci0.  `async with Bluetoothd(address) as daemon: ...`"""

    def __init__(self, address: str, monitors: bool = True, powered: bool = True) -> None:
        self._address = address
        self.calls: list[tuple[str, list[Any]]] = []
        # member and arguments of every call, in order
        adapter = {"Powered": Variant("b", powered), "Roles": Variant("as", ["central"])}
        self._objects: dict[str, dict[str, Any]] = {ADAPTER: {"org.bluez.Adapter1": adapter}}
        if monitors:
            self._objects[ADAPTER]["org.bluez.AdvertisementMonitorManager1"] = {}

    async def __aenter__(self) -> Self:
        self._bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
        await self._bus.connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name("org.bluez")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """End, as bluetoothd does when it is stopped or has crashed."""
        self._bus.disconnect()

    def count(self, member: str) -> int:
        """How often `member` was called."""
        return sum(name == member for name, _ in self.calls)

    def hear(self, address: str, **properties: Variant) -> None:
        """A device was heard: announced when new, else these properties of it have changed."""
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        if path in self._objects:
            self._signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                         ["org.bluez.Device1", properties, []])  # fmt: skip
            return
        known = {"Address": Variant("s", address), "Alias": Variant("s", address), "Adapter": Variant("o", ADAPTER)}
        self._objects[path] = {"org.bluez.Device1": {**known, **properties}}
        self._signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "oa{sa{sv}}",
                     [path, self._objects[path]])  # fmt: skip

    def power_off(self) -> None:
        """The adapter is switched off."""
        self._signal(ADAPTER, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                     ["org.bluez.Adapter1", {"Powered": Variant("b", False)}, []])  # fmt: skip

    def unplug(self) -> None:
        """The adapter is gone."""
        interfaces = list(self._objects.pop(ADAPTER))
        self._signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "oas", [ADAPTER, interfaces])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path not in ("/", ADAPTER):
            return None
        self.calls.append((message.member or "", message.body))
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects])
        return Message.new_method_return(message)
