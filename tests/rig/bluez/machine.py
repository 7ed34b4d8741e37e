"""Real BlueZ in a small virtual machine, for a gateway and a radio that run natively outside.

    machine = Machine(image, program)
    machine.boot()
    machine.bluetoothd("--experimental")
    ... DBUS_SYSTEM_BUS_ADDRESS and the like are in machine.environment ...
    machine.kill()

Runs under KVM where that works, else under emulation; ZONETAG_VM=kvm or tcg wants one of them.  It needs no privilege:
user-mode networking and ports of the loopback device alone.  Nothing in it is worth a shutdown, so it ends by SIGKILL:
at the end, when this process dies in whatever way (--pdeathsig), and at Ctrl-C.
"""

import os
import queue
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO

from rig.bluez import image

KVM, EMULATION = "kvm", "tcg"
WANTED = os.environ.get("ZONETAG_VM", "auto")
MEMORY_MB = 384  # kernel and files, each once packed and once unpacked while it boots
BUS_PORT, HCI_PORTS, MGMT_PORT = 5555, (5560, 5561), 5570  # inside: see guest/init
BOOT_S = 180.0  # takes 2 s under KVM, 7 s under emulation on an idle machine
KVM_BOOT_S = 30.0  # a KVM that does nothing (there are such) is given up for emulation then
ANSWER_S = 60.0
READY = "READY"
EXPERIMENTAL = "--experimental"  # argument of bluetoothd: [General] Experimental = true of its main.conf
# No mitigations, no address randomisation, no watchdogs: an emulated processor has cycles for none of them.
KERNEL_LINE = "console=ttyS0 quiet panic=-1 rdinit=/init mitigations=off nokaslr nowatchdog cryptomgr.notests=1"


class BootFailed(Exception):
    """The machine did not come up; the text ends with what it said."""


class Machine:
    """One virtual machine with D-Bus running, and bluetoothd as told."""

    def __init__(self, what: image.Image, qemu: str) -> None:
        """`qemu`: the program qemu-system-x86_64."""
        self._image = what
        self._qemu = qemu
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._asked = 0
        self.accelerator = ""
        # KVM or EMULATION, once it runs
        self.console: list[str] = []
        # lines, all of them
        self.bus_port = 0
        self.hci_ports: tuple[int, ...] = ()
        self.mgmt_port = 0
        # on 127.0.0.1

    @property
    def environment(self) -> dict[str, str]:
        """What a program outside must have in its environment to take the machine's system bus for its own."""
        return {
            "DBUS_SYSTEM_BUS_ADDRESS": f"tcp:host=127.0.0.1,port={self.bus_port}",
            "BLEAK_DBUS_AUTH_UID": "0",  # the relay inside is root, whoever we are
        }

    @property
    def pid(self) -> int:
        """Of the process that is the machine."""
        assert self._process is not None
        return self._process.pid

    def boot(self) -> None:
        """Start it; BootFailed.  Whoever calls this must call `kill` in the end."""
        wanted = [WANTED] if WANTED in (KVM, EMULATION) else [KVM, EMULATION] if _kvm() else [EMULATION]
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "initrd"
            files.write_bytes(b"".join(image.with_scripts(self._image)))
            for accelerator in wanted:
                try:
                    self._boot(accelerator, files, KVM_BOOT_S if accelerator != wanted[-1] else BOOT_S)
                except BootFailed:
                    if accelerator == wanted[-1]:
                        raise
                else:
                    break

    def kill(self) -> None:
        """Pull the plug."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
            self._reader.join()

    def bluetoothd(self, *arguments: str) -> None:
        """Start bluetoothd."""
        self.run("bluetoothd_start " + " ".join(arguments))

    def kill_bluetoothd(self) -> None:
        """kill -9."""
        self.run("bluetoothd_kill")

    def run(self, command: str) -> list[str]:
        """Run a line of shell inside (functions: see guest/init); the lines it printed.  AssertionError if it fails."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._asked += 1
        self._process.stdin.write(f"{self._asked} {command}\n")
        self._process.stdin.flush()
        said: list[str] = []
        while not (line := self._next(ANSWER_S)).startswith(f"DONE {self._asked} "):
            said.append(line)
        assert line.split()[2] == "0", f"{command}: {line}: {said}"
        return said

    def _boot(self, accelerator: str, files: Path, limit_s: float) -> None:
        self.bus_port, self.mgmt_port, *hci = _free_ports(2 + len(HCI_PORTS))
        self.hci_ports = tuple(hci)
        pairs = zip((self.bus_port, self.mgmt_port, *hci), (BUS_PORT, MGMT_PORT, *HCI_PORTS), strict=True)
        forward = ",".join(f"hostfwd=tcp:127.0.0.1:{outside}-:{inside}" for outside, inside in pairs)
        kvm = accelerator == KVM
        command = ["setpriv", "--pdeathsig", "KILL", self._qemu, "-machine", "q35"]
        command += ["-accel", KVM if kvm else "tcg,thread=multi,tb-size=256", "-cpu", "host" if kvm else "max"]
        command += ["-smp", "1", "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-no-reboot", "-chardev", "stdio,id=console,signal=on", "-serial", "chardev:console"]
        command += ["-kernel", str(self._image.kernel), "-initrd", str(files), "-append", KERNEL_LINE]
        command += ["-netdev", f"user,id=net,restrict=on,{forward}", "-device", "virtio-net-pci,netdev=net,romfile="]
        self._lines = queue.Queue()
        self._process = process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout, self._lines), daemon=True)
        self._reader.start()
        try:
            while self._next(limit_s) != READY:
                pass
        except BaseException:
            self.kill()
            raise
        self.accelerator = accelerator

    def _next(self, limit_s: float) -> str:
        try:
            line = self._lines.get(timeout=limit_s)
        except queue.Empty:
            line = ""
        if line:
            return line.rstrip("\n")
        raise BootFailed("the virtual machine says nothing more:\n" + "\n".join(self.console[-30:]))

    def _read(self, output: IO[str], lines: "queue.Queue[str]") -> None:
        with output:
            for line in output:
                self.console.append(line.rstrip())
                lines.put(line.rstrip() + "\n")
        lines.put("")  # it has ended


def _kvm() -> bool:
    """Whether KVM may work: this user may use it, and the processor has what it needs."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return os.access("/dev/kvm", os.R_OK | os.W_OK) and bool({"vmx", "svm"}.intersection(flags))


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
