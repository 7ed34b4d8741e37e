"""What somebody who starts with Zonetag has: a terminal, a gateway's air, a list of people, tags, a telephone."""

import asyncio
import contextlib
import io
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pyotp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from openpyxl import Workbook
from rig.air_bridge import AirBridge
from rig.programs import LIMIT_S, script
from rig.virtual_air import Heard

from zonetag_backend.clock import utc_ms
from zonetag_backend.importkey import public_pem
from zonetag_protocol import bundle, frame, rotation
from zonetag_protocol.bundle import Issued
from zonetag_protocol.card import Card

PASSWORD = "một câu dài dễ nhớ"
UNITS = ("Văn phòng", "Phòng Tài chính", "Phòng Nội vụ", "Bộ phận Một cửa")
FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Đặng", "Võ", "Bùi", "Đỗ", "Hồ", "Ngô")
GIVEN = ("Ánh", "Bình", "Cường", "Dũng", "Đạt", "Giang", "Hằng", "Khánh", "Ưng", "Yến")
HEAD = ("STT", "Họ và tên", "Ngày sinh", "Đơn vị", "Mã số", "Số thẻ")
PROBLEMS = 5  # rows of the list that cannot be taken over; of a staff number that is there twice the first one can


def name_of(number: int) -> str:
    """Of the person in row `number`, from 0; no two are the same."""
    return f"{FAMILIES[number % 10]} Thị {'ABCDEGHIKLMNOPQRSTUV'[number // 10]} {GIVEN[(number + number // 10) % 10]}"


def roster(people: int, tags: int) -> bytes:
    """An office's own list, XLSX: the first `tags` of `people` rows have a tag; below them are rows with problems."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["ỦY BAN NHÂN DÂN PHƯỜNG"])
    sheet.append(["DANH SÁCH CÁN BỘ, CÔNG CHỨC"])
    sheet.append([])
    sheet.append(HEAD)
    for n in range(people):
        tag = f"T-{n + 1:04}" if n < tags else None
        sheet.append([n + 1, name_of(n), "01/02/1980", UNITS[n % len(UNITS)], f"NV{n + 1:03}", tag])
    wrong = (
        ("", "Văn phòng", "NV901", None),
        ("Lê Văn Trùng", "Văn phòng", "NV902", None),
        ("Trần Văn Trùng", "Văn phòng", "NV902", None),
        ("Võ Thị Lạ", "Phòng Nội vụ", "NV903", "T-9999"),
        ("Phạm Văn Đôi", "Phòng Nội vụ", "NV904", "T-0001"),
        ("=HYPERLINK(1)", "Phòng Nội vụ", "NV905", None),
    )
    for n, (name, unit, code, tag) in enumerate(wrong, people + 1):
        sheet.append([n, name, "", unit, code, tag])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


LENGTH_S = 30  # of the air that the gateway hears


class Tags:
    """Tags T-0001 and so on, flashed a day ago."""

    def __init__(self, many: int) -> None:
        self._t0 = 1_000
        self._issued = utc_ms() // 1000 - 86_400
        self._masters = [n.to_bytes(16, "big") for n in range(1, many + 1)]
        self._keys = [rotation.derive_keys(master) for master in self._masters]

    def bundle(self, data: Path) -> str:
        """As flash.sh writes it, sealed to the server of that folder."""
        public = load_pem_public_key(public_pem(data).encode())
        assert isinstance(public, X25519PublicKey)
        made = (
            Issued(Card(f"T-{n:04}", master, self._t0, 250, 1000, 0xFFFF, -21), self._issued)
            for n, master in enumerate(self._masters, 1)
        )
        return "".join(f"{bundle.seal(each, public)}\n" for each in made)

    def advert(self, number: int, at_s: float) -> bytes:
        """What tag `number` sends at a UTC in seconds."""
        return frame.seal(self._keys[number - 1], self._t0 + int(at_s) - self._issued, 7)


class Morning:
    """The air of a gateway: from now on the tags `who` are heard for half a minute, at once, and then the air ends."""

    def __init__(self, tags: Tags, who: range) -> None:
        self._tags, self._who = tags, who
        self.start_ms = utc_ms()
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),))

    def __enter__(self) -> "Morning":
        self._thread.start()
        assert self._ready.wait(LIMIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        bridge = AirBridge(self.start_ms)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        await bridge.open()
        self.port = bridge.port
        self._ready.set()
        try:
            over = asyncio.ensure_future(self._over.wait())
            await asyncio.wait(
                (over, asyncio.ensure_future(bridge.connected.wait())), return_when=asyncio.FIRST_COMPLETED
            )
            if over.done():
                return
            for second in range(LENGTH_S):
                for number in self._who:
                    data = self._tags.advert(number, self.start_ms / 1000 + second)
                    bridge.hear(Heard(second * 1000, b"", data, -58, str(number)))
                await asyncio.sleep(0)
            bridge.end(LENGTH_S * 1000)
            await self._over.wait()
        finally:
            bridge.close()


class Terminal:
    """A command on a terminal, as somebody types it: what it says is read until it ends."""

    def __init__(self, *command: str) -> None:
        reader, writer = os.openpty()
        self.process = subprocess.Popen(
            [script(command[0]), *command[1:]], stderr=writer, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        os.close(writer)
        self.said = ""
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(reader,), daemon=True)
        self._thread.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """What the program says that fits `pattern`; fails when it ends without."""
        with self._more:
            self._more.wait_for(lambda: re.search(pattern, self.said) or self.process.poll() is not None, LIMIT_S)
        found = re.search(pattern, self.said)
        assert found, self.said
        return found

    def close(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(LIMIT_S)
        finally:
            self.process.kill()
            self._thread.join(LIMIT_S)

    def _read(self, reader: int) -> None:
        with contextlib.suppress(OSError):  # a terminal that nobody writes to any more
            while text := os.read(reader, 65536):
                with self._more:
                    self.said += text.decode(errors="replace")
                    self._more.notify_all()
        os.close(reader)
        self.process.wait()
        with self._more:
            self._more.notify_all()


def typed(*command: str) -> str:
    """A command that ends by itself; what it printed.  It must succeed."""
    words = [script(command[0]), *command[1:]]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def press(page: Any, text: str) -> None:
    """The button, or the link, that says so; there is one, or the first of them in the page's main part."""
    page.locator("main").get_by_role("button", name=text, exact=True).or_(
        page.locator("main").get_by_role("link", name=text, exact=True)
    ).first.click()


def welcome(page: Any, link: str, name: str = "") -> pyotp.TOTP:
    """Open a one-time link, choose a password and set the telephone up; its codes."""
    page.goto(link)
    if name:
        page.fill("[name=name]:visible", name)
    page.fill("[name=new]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    press(page, "Tiếp tục")
    page.wait_for_selector(".secret")
    telephone = pyotp.TOTP(page.inner_text(".secret").replace(" ", ""))
    page.fill("[name=code]", telephone.at(utc_ms() // 1000))
    press(page, "Tiếp tục")
    page.wait_for_selector(".codes")
    press(page, "Tôi đã cất mã; tiếp tục")
    page.wait_for_url(lambda url: "/account" not in url)
    return telephone
