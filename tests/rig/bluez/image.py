"""The virtual machine's disk: Debian's kernel, bluetoothd, D-Bus and a few tools, in memory.

Made from Debian's packages, none of whose scripts is run; needs no privilege.  Kept under `.cache/bluez` (ZONETAG_CACHE
names another folder than `.cache`), about 100 MB.  ZONETAG_BLUEZ_SUITE takes kernel and BlueZ from another release.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rig import debian
from rig.bluez import archive, kernel

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("ZONETAG_CACHE") or ROOT / ".cache") / "bluez"
GUEST = Path(__file__).with_name("guest")

SUITE = os.environ.get("ZONETAG_BLUEZ_SUITE", "bookworm")  # Linux 6.1 and BlueZ 5.66, as on Raspberry Pi OS 12
ARCHITECTURE = "amd64"

# Python: the gateway's own code runs inside too, where the kernel's management socket is.
PACKAGES = ("bluez", "dbus-daemon", "busybox-static", "socat", "python3-minimal", "libpython3-stdlib")
KERNEL = "linux-image-amd64"  # names the present one; the "cloud" kernel has no Bluetooth
# hci_uart: the adapter hangs on a serial line, as that of a Raspberry Pi does; ecb, cmac: Bluetooth's own ciphers;
# algif_*: bluetoothd asks the kernel for ciphers with every advert.
MODULES = ("virtio_pci", "virtio_net", "bluetooth", "hci_uart", "ecb", "cmac", "algif_hash", "algif_skcipher")
_DRIVERS = ("bluetooth/*", "virtio/*", "net/virtio_net.ko*", "net/net_failover.ko*")
_MODULES = ("net/bluetooth/*", "net/rfkill/*", "net/core/failover.ko*", "lib/*", "crypto/*")
KERNEL_FILES = (
    "./boot/vmlinuz-*",
    "*/modules.builtin",
    *(f"*lib/modules/*/kernel/{part}" for part in _MODULES),
    *(f"*lib/modules/*/kernel/drivers/{part}" for part in _DRIVERS),
)
# Needed by scripts of packages, which are never run here.
LEFT_OUT = re.compile(
    r"(perl|libperl|dpkg_|passwd_|adduser|debconf|udev_|tar_|libdb5|libgdbm|libsemanage|libsepol|init-system|gcc-1"
    r"|readline-common|libasound2-data|lsb-base|sysvinit|libpam-modules-bin|tzdata|libfile-find|libnumber|libtext"
    r"|openssl|libsqlite|media-types|mailcap|netbase)"
)
UNUSED = ("doc", "man", "locale", "i18n", "info", "lintian", "bug", "zoneinfo", "pixmaps", "alsa", "perl", "glib-2.0")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/bin/false\n"
GROUP = "root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n"
MACHINE_ID = "0123456789abcdef0123456789abcdef\n"


@dataclass(frozen=True, slots=True)
class Image:
    """What a virtual machine boots from."""

    kernel: Path
    # uncompressed
    files: Path
    # all files, an initramfs; the guest's own scripts are not yet in it


def obtain() -> Image:
    """The image, from the cache or made now; debian.Unobtainable says why there is none."""
    recipe = b"".join(Path(module.__file__ or "").read_bytes() for module in (archive, kernel))
    version = hashlib.sha256(recipe + Path(__file__).read_bytes()).hexdigest()[:12]
    target = CACHE / f"{SUITE}-{version}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with debian.alone(CACHE / "lock"):
        if not target.is_dir():
            _make(target)
            for older in CACHE.glob(f"{SUITE}-*"):
                if older != target:
                    shutil.rmtree(older)
    return Image(target / "vmlinux", target / "initrd.cpio")


def with_scripts(image: Image) -> Iterator[bytes]:
    """The initramfs of `image` and, behind it, the guest's own scripts and (in /zonetag) this project.

    They change without a download.
    """
    yield image.files.read_bytes()
    own = [archive.Entry(path.name, 0o100755, path.read_bytes()) for path in sorted(GUEST.iterdir()) if path.is_file()]
    yield archive.pack(iter([*own, *_project()]), number=1_000_000)


def _project() -> Iterator[archive.Entry]:
    """The Python files of gateway and wire format."""
    yield archive.Entry("zonetag", 0o040755)
    for package in (ROOT / "gateway/zonetag_gateway", ROOT / "protocol/zonetag_protocol"):
        files = sorted(package.rglob("*.py"))
        for folder in sorted({package, *(file.parent for file in files)}):
            yield archive.Entry(f"zonetag/{folder.relative_to(package.parent)}", 0o040755)
        for file in files:
            yield archive.Entry(f"zonetag/{file.relative_to(package.parent)}", 0o100644, file.read_bytes())


def _make(target: Path) -> None:
    """Download, unpack, prune, pack; `target` appears whole or not at all."""
    with debian.release(SUITE, ARCHITECTURE, CACHE) as packages:
        root, out = packages.folder / "root", packages.folder / "out"
        out.mkdir()
        for package in packages.download(*PACKAGES):
            if not LEFT_OUT.match(package.name):
                debian.unpack(package, root)
        image = next(name for name in packages.depends(KERNEL) if name.startswith("linux-image-"))
        unpacked = packages.folder / "kernel"
        debian.unpack_some(packages.download(image, alone=True)[0], unpacked, *KERNEL_FILES)
        (out / "vmlinux").write_bytes(kernel.unpacked(next(unpacked.glob("boot/vmlinuz-*")).read_bytes()))
        _settle(root, kernel.modules(unpacked, MODULES))
        (out / "initrd.cpio").write_bytes(archive.pack(archive.entries(root)))
        out.rename(target)


def _settle(root: Path, modules: dict[str, bytes]) -> None:
    """Make a system of what was unpacked."""
    for folder in ("bin", "sbin", "lib", "lib64"):  # Debian 13 has all of them below /usr
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).exists():
            (root / folder).symlink_to(f"usr/{folder}")
    for folder in UNUSED:
        shutil.rmtree(root / "usr/share" / folder, ignore_errors=True)
    for useless in (*root.glob("usr/lib/*/gconv"), *root.glob("usr/lib/*/perl*"), *root.glob("*/udev")):
        shutil.rmtree(useless)
    for folder in ("proc", "sys", "dev", "tmp", "run", "root", "var/lib/bluetooth", "etc/bluetooth", "lib/modules"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root / "var/run", ignore_errors=True)
    (root / "var/run").unlink(missing_ok=True)
    (root / "var/run").symlink_to("/run")
    if not (root / "bin/sh").exists():
        (root / "bin/sh").symlink_to("busybox")
    for name, text in (("passwd", PASSWD), ("group", GROUP), ("machine-id", MACHINE_ID)):
        (root / "etc" / name).write_text(text)
    for name, module in modules.items():
        (root / "lib/modules" / f"{name}.ko").write_bytes(module)
    (root / "lib/modules/order").write_text("".join(f"/lib/modules/{name}.ko\n" for name in modules))
