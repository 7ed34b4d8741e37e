"""Who was erased on the page comes back with no backup: a real server, the real commands, every table and file.

What stays is the entry of the audit log, which has a number that stands for nobody.
"""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest
from rig.accounts import sign_in
from rig.everything import CODE, MARKS, NAME, Everything, shift
from sqlalchemy import inspect

from zonetag_backend.app import Backend
from zonetag_backend.backupfolder import ERASED
from zonetag_backend.cli import main
from zonetag_backend.clock import utc_ms
from zonetag_backend.config import load
from zonetag_backend.roles import ADMIN
from zonetag_backend.store.engine import open_database, reading, writing
from zonetag_backend.web.visitor import Visitor

KEY = bytes(range(32))  # of rig.pages.KEYRING, under which the office was made
WORDS = (NAME.split()[-1].encode(), CODE.encode())


async def erase(settings: Path, who: int, token: str) -> None:
    """On the pages of a server that runs: somebody asked on paper, and an administrator does it."""
    config = load(settings, {})
    cookie, csrf = {"Cookie": f"zonetag={token}"}, Visitor("", frozenset(), token=token).csrf
    async with Backend(config, utc_ms) as backend, httpx.AsyncClient(base_url=backend.url, headers=cookie) as admin:
        asked = {"csrf": csrf, "who": CODE, "kind": "erase", "text": ""}
        assert (await admin.post("requests", data=asked)).status_code == 303
        known = (await admin.get("requests.json")).json()["requests"]
        [which] = [each["request"] for each in known if each["kind"] == "erase"]
        done = await admin.post(f"requests/{which}", data={"csrf": csrf, "act": "do", "answer": ""})
        assert done.status_code == 303, done.text
        assert (await admin.get(f"people/{who}")).status_code == 404


def held(folder: Path, who: int) -> tuple[set[str], set[str]]:
    """Files that hold a mark of hers; tables that hold her number or a mark."""
    files = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in WORDS)
    }
    engine, tables = open_database(f"sqlite:///{folder / 'zonetag.db'}"), set()
    with reading(engine) as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'):
                if any(each in (who, str(who)) or (isinstance(each, str) and MARKS.search(each)) for each in row):
                    tables.add(name)
    engine.dispose()
    return files, tables


def test_who_was_erased_on_the_page_is_in_nothing_that_is_restored(
    whole: Everything, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shift(whole.office, utc_ms() - whole.office.now)
    with writing(whole.office.engine) as connection:  # tags whose keys are no keys: the server is not to open them
        connection.exec_driver_sql("UPDATE tag SET state = 'retired', sealed_key = x''")
    data, backups, private = whole.folder, tmp_path / "backups", str(tmp_path / "private.pem")
    (data / "tag-keys.key").write_bytes(KEY)
    (data / "tag-keys.key").chmod(0o600)
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    settings = tmp_path / "server.toml"
    settings.write_text(
        f'data = "{data}"\n[backup]\ndir = "{backups}"\n[broker]\nurl = "mqtt://127.0.0.1:1"\n[http]\nport = 0\n'
    )
    of, with_key = ["--config", str(settings)], ["--key", private, "--passphrase-file", str(phrase)]
    assert main(["backup", "--new-key", private, "--passphrase-file", str(phrase), *of]) == 0
    assert main(["backup", str(backups), *of]) == 0
    [made] = backups.glob("*.ztb")

    asyncio.run(erase(settings, whole.xuyen, sign_in(whole.office.engine, ADMIN, utc_ms())))
    assert (backups / ERASED).read_text().split() == [str(whole.xuyen)]
    whole.office.engine.dispose()
    assert held(data, whole.xuyen) == (set(), {"audit"})

    assert main(["restore", str(made), *with_key, "--data", str(tmp_path / "back")]) == 0, capsys.readouterr().err
    assert "1 erased" in capsys.readouterr().out
    assert held(tmp_path / "back", whole.xuyen) == (set(), set())
    assert (tmp_path / "back" / ERASED).read_text().split() == [str(whole.xuyen)], "for when an older one is restored"
    assert main(["audit", "verify", "--data", str(tmp_path / "back")]) == 0

    # A backup that lies elsewhere is told by the file that the data folder keeps.
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(made, tmp_path / "elsewhere")
    told = ["restore", str(copy), *with_key, "--data", str(tmp_path / "told"), "--erased"]
    assert main([*told, str(data / "nothing")]) == 1
    assert main([*told, str(data / ERASED)]) == 0
    assert "1 erased" in capsys.readouterr().out
    assert held(tmp_path / "told", whole.xuyen) == (set(), set())

    # The control: the same file where nobody says who was erased.
    assert main(["restore", str(copy), *with_key, "--data", str(tmp_path / "all")]) == 0
    files, tables = held(tmp_path / "all", whole.xuyen)
    assert "zonetag.db" in files
    assert {"person", "wearing", "case_exposure"} <= tables
