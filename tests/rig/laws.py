"""The laws of the design as tables, and a reader of syntax trees that names every breach of them.

A folder `x/` holds the package that `PACKAGES` names.  Paths in the tables are relative to the top of the project and
may hold wildcards.  `breaches(read(root))` walks what is there; nothing is imported or run.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

PROTOCOL, TAG, GATEWAY, BACKEND = "zonetag_protocol", "zonetag_tag", "zonetag_gateway", "zonetag_backend"
FLASH = "zonetag_flash"
PACKAGES = {"protocol": PROTOCOL, "firmware": TAG, "gateway": GATEWAY, "backend": BACKEND, "flash": FLASH}

# Law "siblings": who may import whom.  The wire format stands alone, the programs know only the wire format.
SIBLINGS: dict[str, tuple[str, ...]] = {
    PROTOCOL: (),
    TAG: (PROTOCOL,),
    GATEWAY: (PROTOCOL,),
    BACKEND: (PROTOCOL,),
    FLASH: (PROTOCOL,),
}

# Law "outside": one file, or one folder, for each thing outside.
OUTSIDE: dict[str, tuple[str, ...]] = {
    "alembic": ("backend/zonetag_backend/store/*",),
    "amqtt": ("backend/zonetag_backend/broker.py",),
    # To scan, and to connect to tags: two files, for the second is loaded only where the link is switched on.
    "bleak": ("gateway/zonetag_gateway/sources/bleak.py", "gateway/zonetag_gateway/sources/central.py"),
    "bluetooth": ("firmware/zonetag_tag/radio.py",),
    "dbus_fast": ("gateway/zonetag_gateway/bluez.py",),  # bluetoothd, and what restarts it: one bus, one file
    "esp32": ("firmware/zonetag_tag/board.py",),
    "esptool": ("flash/zonetag_flash/chip.py",),
    "jinja2": ("backend/zonetag_backend/web/*",),
    "littlefs": ("flash/zonetag_flash/filesystem.py",),
    "machine": ("firmware/zonetag_tag/board.py",),
    "paho": (
        "backend/zonetag_backend/knock.py",  # a connection for a moment, beside the one for ever
        "backend/zonetag_backend/mqtt.py",
        "gateway/zonetag_gateway/mqtt.py",
    ),
    "serial": ("flash/zonetag_flash/chip.py", "flash/zonetag_flash/ports.py", "flash/zonetag_flash/speech.py"),
    # Sockets of one's own: for a port that is free, paho's TCP_NODELAY, systemd's $NOTIFY_SOCKET, and the kernel's
    # Bluetooth management, which has no other door.  Else asyncio.
    "socket": (
        "backend/zonetag_backend/app.py",
        "backend/zonetag_backend/demo/port.py",
        "backend/zonetag_backend/enrolment_server.py",
        "gateway/zonetag_gateway/mgmt_socket.py",
        "gateway/zonetag_gateway/mqtt.py",
        "gateway/zonetag_gateway/notify.py",
    ),
    "sqlalchemy": ("backend/zonetag_backend/store/*",),
    "sqlite3": ("gateway/zonetag_gateway/spool.py", "backend/zonetag_backend/store/*"),
    "starlette": ("backend/zonetag_backend/web/*",),
    "zonetag_power": ("firmware/zonetag_tag/board.py",),  # of our own builds of MicroPython
}

# Law "clock": what reads a clock, and the files that may.  A reference (`clock=time.monotonic`) is as much as a call.
TIME = "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time"
TIME += " thread_time_ns clock_gettime clock_gettime_ns localtime gmtime ctime ticks_ms ticks_us ticks_cpu"
CLOCKS = {
    *(f"time.{name}" for name in TIME.split()),
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "machine.RTC",
    "sqlalchemy.func.now",  # the database's clock is a clock too
    "sqlalchemy.func.current_timestamp",
}
WITH_ARGUMENT = {"time.localtime", "time.gmtime", "time.ctime"}  # converts what it is given; without any, it reads
CLOCK_FILES = (
    "backend/zonetag_backend/clock.py",
    "firmware/zonetag_tag/board.py",
    "flash/zonetag_flash/cli.py",  # it stamps a tag with the time of its flashing
    "flash/zonetag_flash/speech.py",  # it gives up on a silent board
    "gateway/zonetag_gateway/clock.py",
)
# Law "outermost": only the outermost files of a program import its clock; all else is given `now` or a clock.
CLOCK_MODULES = (f"{GATEWAY}.clock", f"{BACKEND}.clock")
OUTERMOST = ("*/app.py", "*/cli.py", "*/cli_*.py", "*/cli/*.py")

# Law "keys": of the wire format a gateway takes the modules that need no tag's key, of these nothing that takes one,
# and no name in it speaks of one.
GATEWAY_TAKES = (
    *("acknowledgement", "advert", "enrolment", "envelope", "errors", "frame", "loss", "report", "topics"),
    *("carriage", "fragments"),  # the link, of which it carries sealed messages in parts
    "update",  # orders that the backend has signed
)
OF_KEYS = ("frame.seal", "frame.verify", "frame.authenticator", "frame.keystream", "frame.Keys")
KEY_NAMES = {"master", "master_key", "derive_keys", "temporary_key", "k_eid", "k_mac", "k_enc", "k_link"}

# Law "both": what runs on the tag imports only what both Pythons have.
OF_LINK = ("ccm", "contact", "fragments", "link", "linkmessage")
TAG_SIDE = ("errors", "crypto", "rotation", "status", "frame", "advert", "card", *OF_LINK)  # modules of the wire format
BOTH_PYTHONS = {
    "array",
    "binascii",
    "collections",
    "errno",
    "gc",
    "hashlib",
    "io",
    "json",
    "math",
    "os",
    "struct",
    "sys",
}
ONLY_TAG = {"asyncio", "bluetooth", "cryptolib", "deflate", "esp32", "machine", "micropython", "random", "time", "vfs"}
ONLY_TAG |= {"flashbdev", "zonetag_power"}
KNOWS_PYTHON = (
    "protocol/zonetag_protocol/crypto.py"  # the only file of the wire format that knows which Python it is on
)
CRYPTO = {"cryptography", "cryptolib", "hmac"}

# Law "chance": nobody draws from the hidden global generator; `random.Random(seed)` is handed in, or `secrets` asked.
# The outermost files may hand the global one on, and the jitter of waits may use it: no result hangs on that.
CHANCE_ALLOWED = {"random.Random", "random.SystemRandom"}
CHANCE_FILES = (*OUTERMOST, "backend/zonetag_backend/mqtt.py", "gateway/zonetag_gateway/mqtt.py")

# The walk is worth nothing if it finds nothing: at least so many files in each folder.
AT_LEAST = {"protocol": 10, "firmware": 5, "gateway": 10, "backend": 10, "flash": 5}


@dataclass(frozen=True, slots=True)
class Breach:
    law: str  # a key of LAWS
    path: str  # of the file, from the top of the project
    line: int
    what: str  # the import, name or reference that breaks it


@dataclass(frozen=True, slots=True)
class Import:
    name: str  # dotted and absolute: "time" of `import time`, "time.monotonic" of `from time import monotonic`
    line: int
    typing_only: bool  # under `if TYPE_CHECKING:`


@dataclass(slots=True)
class Source:
    path: str
    folder: str  # of PACKAGES
    module: str  # dotted
    tree: ast.Module
    imports: list[Import] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # what a name of this file stands for: {"t": "time"}

    @property
    def package(self) -> str:
        return PACKAGES[self.folder]

    def within(self, *patterns: str) -> bool:
        return any(fnmatch(self.path, pattern) for pattern in patterns)


def read(root: Path) -> list[Source]:
    """Every Python file of the four folders, parsed."""
    sources = []
    for folder in PACKAGES:
        for path in sorted((root / folder).rglob("*.py")):
            dotted = path.relative_to(root / folder).with_suffix("").as_posix().replace("/", ".")
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            source = Source(path.relative_to(root).as_posix(), folder, dotted.removesuffix(".__init__"), tree)
            _collect(source, tree, typing_only=False)
            sources.append(source)
    return sources


def _collect(source: Source, node: ast.AST, *, typing_only: bool) -> None:
    for child in ast.iter_child_nodes(node):
        below = typing_only or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        if isinstance(child, ast.Import):
            for alias in child.names:
                source.imports.append(Import(alias.name, child.lineno, typing_only))
                bound = alias.asname or alias.name.split(".")[0]
                source.names[bound] = alias.name if alias.asname else bound
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                inside = source.module.split(".")
                keep = len(inside) - child.level + source.path.endswith("__init__.py")
                base = ".".join([*inside[:keep], *([base] if base else [])])
            for alias in child.names:
                source.imports.append(Import(f"{base}.{alias.name}", child.lineno, typing_only))
                source.names[alias.asname or alias.name] = f"{base}.{alias.name}"
        else:
            _collect(source, child, typing_only=below)


def _references(source: Source) -> Iterator[tuple[str, ast.expr, bool]]:
    """Each name or attribute that leads to an import, spelled out: (dotted, node, is called with an argument)."""
    called = {
        id(node.func): bool(node.args or node.keywords) for node in ast.walk(source.tree) if isinstance(node, ast.Call)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            inner: ast.expr = node
            parts: list[str] = []
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id in source.names:
                yield ".".join([source.names[inner.id], *reversed(parts)]), node, called.get(id(node), False)


def siblings(source: Source) -> Iterator[tuple[int, str]]:
    for imported in source.imports:
        other = imported.name.split(".")[0]
        if other in SIBLINGS and other != source.package and other not in SIBLINGS[source.package]:
            yield imported.line, imported.name


def outside(source: Source) -> Iterator[tuple[int, str]]:
    for imported in source.imports:
        thing = imported.name.split(".")[0]
        if thing in OUTSIDE and not source.within(*OUTSIDE[thing]):
            yield imported.line, imported.name


def clock(source: Source) -> Iterator[tuple[int, str]]:
    if source.within(*CLOCK_FILES):
        return
    for imported in source.imports:
        if imported.name in CLOCKS - WITH_ARGUMENT:
            yield imported.line, imported.name
    for name, node, with_argument in _references(source):
        if name in CLOCKS and not (name in WITH_ARGUMENT and with_argument):
            yield node.lineno, name
    for expression in ast.walk(source.tree):
        # `loop.time()`, `asyncio.get_running_loop().time()`: the event loop's clock.
        match expression:
            case ast.Attribute(attr="time", value=owner) if "loop" in ast.unparse(owner).lower():
                yield expression.lineno, ast.unparse(expression)


def outermost(source: Source) -> Iterator[tuple[int, str]]:
    for imported in source.imports:
        is_clock = any(f"{imported.name}.".startswith(f"{module}.") for module in CLOCK_MODULES)
        if is_clock and not source.within(*OUTERMOST):
            yield imported.line, imported.name


def keys(source: Source) -> Iterator[tuple[int, str]]:
    if source.package != GATEWAY:
        return
    for imported in source.imports:
        package, _, rest = imported.name.partition(".")
        if package == PROTOCOL and rest.split(".")[0] not in GATEWAY_TAKES:
            yield imported.line, imported.name
    for name, line in [(i.name, i.line) for i in source.imports] + [(n, e.lineno) for n, e, _ in _references(source)]:
        if any(f"{name}.".startswith(f"{PROTOCOL}.{forbidden}.") for forbidden in OF_KEYS):
            yield line, name
    for node in ast.walk(source.tree):
        for part in ("id", "attr", "arg"):
            if getattr(node, part, None) in KEY_NAMES:
                yield getattr(node, "lineno", 1), getattr(node, part)


def both(source: Source) -> Iterator[tuple[int, str]]:
    tag = source.package == TAG
    if not tag and source.module not in {f"{PROTOCOL}.{name}" for name in TAG_SIDE}:
        return
    allowed = BOTH_PYTHONS | (ONLY_TAG if tag else set()) | (CRYPTO if source.path == KNOWS_PYTHON else set())
    for imported in source.imports:
        package, *rest = imported.name.split(".")
        ours = package == source.package == TAG or (package == PROTOCOL and rest and rest[0] in TAG_SIDE)
        if not ours and package not in allowed:
            yield imported.line, imported.name


def which_python(source: Source) -> Iterator[tuple[int, str]]:
    if source.package not in {PROTOCOL, TAG} or source.within(KNOWS_PYTHON, "firmware/zonetag_tag/board.py"):
        return
    for name, node, _ in _references(source):
        if name in {"sys.implementation", "sys.platform", "platform.python_implementation"}:
            yield node.lineno, name


def chance(source: Source) -> Iterator[tuple[int, str]]:
    if source.package == TAG or source.within(*CHANCE_FILES):  # the tag's `random` is its hardware's
        return
    for name, node, _ in _references(source):
        if name.startswith("random.") and name not in CHANCE_ALLOWED and name.count(".") == 1:
            yield node.lineno, name


LAWS: dict[str, Callable[[Source], Iterator[tuple[int, str]]]] = {
    "siblings": siblings,
    "outside": outside,
    "clock": clock,
    "outermost": outermost,
    "keys": keys,
    "both": both,
    "which_python": which_python,
    "chance": chance,
}


def circles(sources: list[Source]) -> list[Breach]:
    """Law "circles": no module imports itself by way of others.  Imports for type checkers alone do not count."""
    known = {source.module: source for source in sources}
    edges: dict[str, set[str]] = {}
    for source in sources:
        targets = edges[source.module] = set()
        for imported in source.imports:
            name = imported.name
            while name and name not in known:
                name = name.rpartition(".")[0]
            if name and name != source.module and not imported.typing_only:
                targets.add(name)
    found, done = [], set()

    def visit(module: str, way: list[str]) -> None:
        if module in way:
            circle = [*way[way.index(module) :], module]
            found.append(Breach("circles", known[module].path, 1, " -> ".join(circle)))
        elif module not in done:
            for target in sorted(edges[module]):
                visit(target, [*way, module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])
    return found


def breaches(sources: list[Source]) -> list[Breach]:
    """Every breach of every law."""
    found = {Breach(law, s.path, line, what) for s in sources for law, check in LAWS.items() for line, what in check(s)}
    return sorted(found, key=lambda breach: (breach.path, breach.line, breach.law)) + circles(sources)
