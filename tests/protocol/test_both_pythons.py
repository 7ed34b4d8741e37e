"""The checks of `both/`, one test a check: on this Python, and on real MicroPython with 32-bit words."""

import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from both import vectors
from rig.micropython import Micropython

ROOT = Path(__file__).parents[2]
BOTH = Path(__file__).parent / "both"
PACKAGE = ROOT / "protocol" / "zonetag_protocol"
OF_LINK = ("ccm", "contact", "fragments", "link", "linkmessage")
TAG_SIDE = ("__init__", "errors", "crypto", "rotation", "status", "frame", "advert", "card", *OF_LINK)
HEAP = "110K"  # what an ESP32 has left once its radio is up
TIGHT_HEAP = "64K"

Checks = dict[str, Callable[[], None]]


def _checks() -> Checks:
    found: Checks = {}
    for file in sorted(BOTH.glob("check_*.py")):
        module = importlib.import_module(f"both.{file.stem}")
        found |= {f"{file.stem}.{name}": check for name, check in vars(module).items() if name.startswith("check_")}
    return found


CHECKS = _checks()


@dataclass(frozen=True, slots=True)
class Tag:
    """MicroPython with the compiled package and checks before it."""

    interpreter: Micropython
    # 32-bit
    modules: Path
    # folder that holds `zonetag_protocol` and `both`, as .mpy
    vectors: Path
    # folder of vectors

    def check(self, *names: str, modules: Path | None = None, vectors: Path | None = None) -> tuple[int, str]:
        """Run checks by name: exit code and output."""
        done = self.interpreter.run(
            BOTH / "run.py",
            *names,
            heap=HEAP,
            path=[modules or self.modules],
            env={"ZONETAG_VECTORS": str(vectors or self.vectors)},
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="session")
def tag(micropython: Micropython, vector_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Tag:
    modules = tmp_path_factory.mktemp("modules")
    micropython.compile(PACKAGE, modules / "zonetag_protocol", TAG_SIDE)
    micropython.compile(BOTH, modules / "both", [file.stem for file in BOTH.glob("*.py") if file.stem != "run"])
    return Tag(micropython, modules, vector_folder)


@pytest.mark.parametrize("name", CHECKS)
def test_on_cpython(name: str, vector_folder: Path) -> None:
    vectors.use(str(vector_folder))
    CHECKS[name]()


@pytest.mark.parametrize("name", CHECKS)
def test_on_micropython(name: str, tag: Tag) -> None:
    code, said = tag.check(name)
    assert code == 0, said
    assert said.startswith(f"held {name} "), said


def test_runner_tells_of_a_check_that_is_not_there(tag: Tag) -> None:
    assert tag.check("check_frame.check_nothing")[0] == 2
    assert tag.check("check_nothing.check_nothing")[0] == 2


def _with_flipped_digit(text: str, after: str) -> str:
    at = text.index(after) + len(after)
    return text[:at] + f"{int(text[at], 16) ^ 1:x}" + text[at + 1 :]


@pytest.mark.parametrize(
    ("file", "after", "name"),
    [
        ("tag_frame.json", '"sub": 209,\n   "mac": "', "check_frame.check_verify"),
        ("tag_frame.json", '"sub": 209,\n   "mac": "', "check_advert.check_vectors_of_our_frame"),
        ("tag_frame.json", '"advert": "', "check_frame.check_seal"),
        ("tag_frame.json", '"link": "', "check_rotation.check_keys"),
        ("eddystone.json", '"eid": "', "check_published.check_eddystone_eid"),
        ("eddystone.json", '"mic": "', "check_published.check_eddystone_etlm"),
        ("bluezone.json", '"id": "', "check_published.check_bluezone"),
        ("exposure_notification.json", '"aem": "', "check_published.check_exposure_notification"),
        ("wycheproof_cmac.txt", "01 ", "check_crypto.check_cmac_wycheproof"),
    ],
)
def test_one_wrong_bit_in_a_vector_is_caught(tag: Tag, tmp_path: Path, file: str, after: str, name: str) -> None:
    """The control: a suite that cannot fail proves nothing."""
    spoiled = tmp_path / "vectors"
    shutil.copytree(tag.vectors, spoiled)
    (spoiled / file).write_text(_with_flipped_digit((spoiled / file).read_text(), after))
    code, said = tag.check(name, vectors=spoiled)
    assert code == 1, said
    assert f"failed {name}" in said


@pytest.mark.parametrize(
    ("module", "right", "wrong", "name"),
    [
        ("crypto", "^= 0x87", "^= 0x86", "check_crypto.check_cmac"),
        ("crypto", "if len(last) < BLOCK", "if len(last) <= BLOCK", "check_crypto.check_cmac_wycheproof"),
        ("crypto", "salt or bytes(DIGEST)", "salt or bytes(BLOCK + 64)", "check_crypto.check_hkdf"),
        ("crypto", "counter += 1", "counter += 2", "check_crypto.check_hkdf"),
        ("crypto", "if len(key) > _HMAC_BLOCK", "if len(key) > 1000", "check_crypto.check_hmac"),
        ("crypto", "len(left) != len(right)", "False", "check_crypto.check_same"),
        # The mistakes that others made (the terminating NUL, a matcher of fewer bytes than there are).
        (
            "rotation",
            'b"zonetag v1 " + name.encode()',
            'b"zonetag v1 " + name.encode() + b"\\0"',
            "check_frame.check_seal",
        ),
        ("rotation", "(t >> k << k)", "t", "check_rotation.check_identifier_holds_for_its_epoch"),
        (
            "frame",
            "sub, status), mac)",
            "sub, status)[:3], mac[:3])",
            "check_frame.check_each_bit_of_the_mac_counts",
        ),
        ("frame", 'epoch.to_bytes(4, "big")', "bytes(4)", "check_frame.check_second_implementation_agrees"),
        ("advert", "end > len(data)", "end > len(data) + 1", "check_advert.check_truncated"),
        ("advert", "any(data[at:])", "False", "check_advert.check_trailing"),
        ("advert", "into[key] != body[2:]", "False", "check_advert.check_malformed"),
        ("card", "any(data[47:60])", "any(data[48:60])", "check_card.check_fields_outside_their_range"),
        ("status", "<< 4", "<< 3", "check_status.check_bits"),
    ],
)
def test_a_wrong_implementation_is_caught(
    tag: Tag, tmp_path: Path, module: str, right: str, wrong: str, name: str
) -> None:
    """The package with one fault in it, on MicroPython."""
    sources = tmp_path / "zonetag_protocol"
    sources.mkdir()
    for stem in TAG_SIDE:
        shutil.copy(PACKAGE / f"{stem}.py", sources)
    source = (sources / f"{module}.py").read_text()
    assert source.count(right) == 1, f"{module}.py has changed: plant the fault anew"
    (sources / f"{module}.py").write_text(source.replace(right, wrong))
    modules = tmp_path / "modules"
    tag.interpreter.compile(sources, modules / "zonetag_protocol")
    shutil.copytree(tag.modules / "both", modules / "both")
    code, said = tag.check(name, modules=modules)
    assert code == 1, said


def test_memory_of_the_import(tag: Tag, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All modules of the tag's side, imported as .mpy in a heap half the size of a tag's, and what they take."""
    script = tmp_path / "memory.py"
    names = [stem for stem in TAG_SIDE if stem != "__init__"]
    script.write_text(
        "import gc\n"
        "def used():\n    gc.collect()\n    return gc.mem_alloc()\n"
        "start = before = used()\n"
        + "".join(
            f"import zonetag_protocol.{name}\nprint('{name}', used() - before)\nbefore = used()\n" for name in names
        )
        + "from zonetag_protocol import frame, rotation\n"
        "keys = rotation.derive_keys(bytes(16))\n"
        "frame.seal(keys, 5000, 3)\n"
        "print('all', before - start, 'free', gc.mem_free())\n"
    )
    done = tag.interpreter.run(script, heap=TIGHT_HEAP, path=[tag.modules])
    assert done.returncode == 0, done.stdout
    with capsys.disabled():
        print(f"\nzonetag_protocol as .mpy, bytes of a {TIGHT_HEAP} heap: " + done.stdout.strip().replace("\n", ", "))


def test_this_is_the_other_python(micropython: Micropython) -> None:
    assert sys.implementation.name == "cpython"
    said = micropython.run("-c", "import sys; print(sys.implementation.name, sys.maxsize)").stdout
    assert said.split() == ["micropython", str(2**31 - 1)]
