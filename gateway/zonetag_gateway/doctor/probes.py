"""The probes of `doctor`: everything it looks at outside the process, one function each.  Tests give their own."""

import asyncio
import contextlib
import importlib.util
import os
import platform
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zonetag_gateway import identity
from zonetag_gateway.config import BrokerConfig, Config
from zonetag_gateway.doctor.bluetooth import Switch
from zonetag_gateway.doctor.enrolment import Enrolled
from zonetag_gateway.doctor.system import Disk
from zonetag_gateway.errors import GatewayError, IdentityUnusable, SourceError
from zonetag_gateway.mgmt_socket import permitted
from zonetag_gateway.sources.scanning import AdapterState
from zonetag_protocol import topics

RFKILL = Path("/sys/class/rfkill")
TRY_S = 10.0  # for a broker on a bad line
CLIENT_SUFFIX = "-doctor"  # the gateway's own name would throw out a gateway that runs


@dataclass(frozen=True, slots=True)
class Probes:
    """What doctor looks with."""

    bluez: Callable[[], Awaitable[str | None]]
    # what `bluetoothctl --version` prints
    kernel: Callable[[], str]
    # release
    bleak: Callable[[], bool]
    # whether the package is installed
    rfkill: Callable[[], Sequence[Switch]]
    # switches of Bluetooth
    adapters: Callable[[], Awaitable[Sequence[AdapterState] | SourceError]]
    # what bluetoothd says
    mgmt: Callable[[], Awaitable[SourceError | None]]
    # why this process cannot use the management socket
    identity: Callable[[Config], Enrolled | GatewayError | None]
    # who the gateway is
    settings: Callable[[Config], BrokerConfig]
    # of the broker, with the certificate of an enrolled gateway
    disk: Callable[[Path], Disk]
    # of a folder
    reach: Callable[[str, int], Awaitable[str]]
    # see doctor.broker
    speak: Callable[[BrokerConfig, str, str], Awaitable[tuple[str, bool]]]
    # settings, site, name: see doctor.broker


def real() -> Probes:
    """Those that look at this machine."""
    return Probes(
        bluez=_bluez,
        kernel=platform.release,
        bleak=lambda: importlib.util.find_spec("bleak") is not None,
        rfkill=lambda: switches(RFKILL),
        adapters=_adapters,
        mgmt=permitted,
        identity=enrolled,
        settings=with_certificate,
        disk=disk,
        reach=reach,
        speak=_speak,
    )


async def _bluez() -> str | None:
    program = shutil.which("bluetoothctl")
    if program is None:
        return None
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), TRY_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return out.decode(errors="replace")


def switches(folder: Path) -> list[Switch]:
    """The Bluetooth switches below `folder` (laid out as /sys/class/rfkill)."""
    found = []
    for entry in sorted(folder.glob("rfkill*")):
        with contextlib.suppress(OSError):  # unplugged while looking
            said = {name: (entry / name).read_text().strip() for name in ("type", "name", "soft", "hard")}
            if said["type"] == "bluetooth":
                found.append(Switch(said["name"], said["soft"] == "1", said["hard"] == "1"))
    return found


async def _adapters() -> Sequence[AdapterState] | SourceError:
    try:
        from zonetag_gateway import bluez  # noqa: PLC0415  # needs a package that may be missing
    except ModuleNotFoundError as error:
        return SourceError(f"the Python package {error.name} is not installed", "pip install 'zonetag[gateway]'")
    try:
        return await bluez.look()
    except SourceError as error:
        return error


def enrolled(config: Config) -> Enrolled | GatewayError | None:
    """The gateway's identity, or what is wrong with it."""
    try:
        mine = identity.of(config)
        if mine is None:
            return None
        span = mine.span_ms()
        client = mine.folder / identity.CLIENT
        if client.stat().st_mode & 0o077:
            return IdentityUnusable(
                f"{client} may be read by others, who could then connect as this gateway", f"sudo chmod 600 {client}"
            )
    except GatewayError as error:
        return error
    return Enrolled(mine.name, *span)


def with_certificate(config: Config) -> BrokerConfig:
    """As the gateway itself connects."""
    try:
        mine = identity.of(config)
    except GatewayError:
        mine = None  # said by its own check
    return config.broker if mine is None else mine.broker(config.broker)


def disk(folder: Path) -> Disk:
    """The file system of `folder`, or of the nearest folder above that exists."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    return Disk(shutil.disk_usage(there).free, os.access(folder, os.W_OK | os.X_OK), folder.is_dir())


async def reach(host: str, port: int) -> str:
    """Why TCP does not connect, "" if it does."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), TRY_S)
    except TimeoutError:
        return f"no answer in {TRY_S:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""


async def _speak(settings: BrokerConfig, site: str, name: str) -> tuple[str, bool]:
    from zonetag_gateway import mqtt  # noqa: PLC0415  # needs a package that may be missing

    loop = asyncio.get_running_loop()
    wanted = [mqtt.V5, mqtt.V311] if settings.mqtt_version == "auto" else [settings.mqtt_version]
    why, denied = "", False
    for version in wanted:
        events: asyncio.Queue[mqtt.Event] = asyncio.Queue()

        def tell(event: mqtt.Event, events: asyncio.Queue[mqtt.Event] = events) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        # A topic of the gateway's own that stays silent, and a will that is never sent: doctor says goodbye.
        topic = topics.topic(site, name, "cmd")
        try:
            connection = mqtt.Connection(
                settings,
                name + CLIENT_SUFFIX,
                version=version,
                will=mqtt.Message(topic, b""),
                subscribe=topic,
                tell=tell,
            )
        except GatewayError as error:
            return error.what, False
        connection.start()
        try:
            event = await asyncio.wait_for(events.get(), TRY_S)
        except TimeoutError:
            why, denied = f"the broker says nothing for {TRY_S:.0f} s", False
        else:
            if isinstance(event, mqtt.Connected):
                return "", False
            if isinstance(event, mqtt.Ended):
                why, denied = event.what, event.denied
                if event.version_refused:
                    continue
        finally:
            await loop.run_in_executor(None, connection.stop)
        break
    return why, denied
