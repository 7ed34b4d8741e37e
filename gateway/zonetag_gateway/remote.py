"""Carries out an operator's commands, one at a time (commands.py decides which are taken)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from zonetag_gateway.commands import BAD_ARGUMENT, FAILED, OK, TRIAL, UNKNOWN, UNSUPPORTED, Answer, Command, Desk
from zonetag_gateway.errors import ConfigFaults, GatewayError
from zonetag_gateway.overlay import ALLOWED, OverlayFile
from zonetag_gateway.source import Clock, Restartable, Source
from zonetag_gateway.updating import NotTaken, Updates

log = logging.getLogger(__name__)

LEVELS = ("debug", "info", "warning", "error")
FIND_ME_S = 30  # how long it says where it is, unless told otherwise
MAX_FIND_ME_S = 600
FIND_ME_EVERY_S = 5  # a line in the log
BLINK_S = 0.5  # of each second
MAX_WAITING = 16  # commands; more than PER_MINUTE, so that only a command that hangs fills it

Handler = Callable[[Command], Awaitable[str]]


class Refused(Exception):
    """A command that is not carried out (or not yet): a code of commands.py, and a sentence that says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Remote:
    """The commands of one gateway."""

    def __init__(
        self,
        clock: Clock,
        source: Source,
        *,
        say: Callable[[bytes], None],
        tell_health: Callable[[], Awaitable[None]],
        root: logging.Logger | None = None,
        overlay: OverlayFile | None = None,
        restart: Callable[[], None] | None = None,
        show: Callable[[float], None] | None = None,
        updates: Updates | None = None,
    ) -> None:
        """`say` publishes an answer, `tell_health` the health; `root` is whose level is set (the program's).

        `overlay` keeps settings, and `restart` starts the gateway again with them; without either, none are taken.
        `show` switches a light on for some seconds, if there is one; `updates` installs other versions.
        """
        self._clock = clock
        self._source = source
        self._say = say
        self._tell_health = tell_health
        self._root = root or logging.getLogger()
        self._overlay = overlay
        self._restart = restart
        self._show = show
        self._updates = updates
        self._finding: asyncio.Task[None] | None = None
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(MAX_WAITING)
        self.desk = Desk()
        if overlay is not None and overlay.overlay.begun:
            self.desk.remember(overlay.overlay.trial_id)
        if updates is not None and updates.asked is not None:
            self.desk.remember(updates.asked.id)
        self._handlers: dict[str, Handler] = {
            "log-level": self._log_level,
            "find-me": self._find_me,
            "restart-scan": self._restart_scan,
            "send-health": self._send_health,
            "config": self._config,
            "update": self._update,
        }

    def receive(self, payload: bytes, retained: bool) -> None:
        """A message came.  From the event loop's thread; never blocks."""
        taken = self.desk.take(payload, retained=retained, now_s=self._clock.monotonic(), moment=self._clock.now())
        if isinstance(taken, Command):
            try:
                self._waiting.put_nowait(taken)
            except asyncio.QueueFull:
                self.answer(Answer(taken.id, FAILED, "The commands before it are still under way. Try again later."))
        elif taken is not None:
            log.warning("command %s: not carried out or done already: %s", taken.id, taken.code)
            self.answer(taken)

    async def run(self) -> None:
        """Carry out what comes, until cancelled."""
        try:
            while True:
                command = await self._waiting.get()
                answer = await self._carry_out(command)
                log.info("command %s, %.32r: %s", command.id, command.do, answer.code)
                self.answer(answer)
                if answer.code == TRIAL and command.do == "config" and self._restart is not None:
                    self._restart()
        finally:
            if self._finding is not None:
                self._finding.cancel()

    async def _carry_out(self, command: Command) -> Answer:
        handler = self._handlers.get(command.do)
        if handler is None:
            return Answer(command.id, UNKNOWN, f"There are: {', '.join(self._handlers)}.")
        try:
            return Answer(command.id, OK, await handler(command))
        except Refused as refused:
            return Answer(command.id, refused.code, str(refused))
        except GatewayError as error:
            return Answer(command.id, FAILED, str(error))

    def answer(self, answer: Answer) -> None:
        """Publish what became of a command, and remember it."""
        under_way = None if self._updates is None else self._updates.asked
        if under_way is not None and answer.id == under_way.id and answer.code != TRIAL:
            self.desk.update_ended(answer.code)
        self.desk.answered(answer)
        self._say(answer.payload(self._clock.now().utc_ms))

    async def _log_level(self, command: Command) -> str:
        level = _only(command.arguments, "level")
        if not isinstance(level, str) or level not in LEVELS:
            raise Refused(BAD_ARGUMENT, f"level is one of {', '.join(LEVELS)}.")
        self._root.setLevel(level.upper())
        return f"The log tells {level} and above, until the next start."

    async def _find_me(self, command: Command) -> str:
        seconds = _only(command.arguments, "seconds", FIND_ME_S)
        if type(seconds) is not int or not 0 <= seconds <= MAX_FIND_ME_S:
            raise Refused(BAD_ARGUMENT, f"seconds is a whole number from 0 to {MAX_FIND_ME_S}.")
        if self._finding is not None:
            self._finding.cancel()
        self._finding = asyncio.create_task(self._say_here(seconds))
        return f"It says so in its log{', and blinks,' if self._show else ''} for {seconds} s."

    async def _say_here(self, seconds: int) -> None:
        for second in range(seconds):
            if second % FIND_ME_EVERY_S == 0:
                log.warning("find-me: it is this gateway")
            if self._show is not None:
                self._show(BLINK_S)
            await asyncio.sleep(1.0)

    async def _restart_scan(self, command: Command) -> str:
        _only(command.arguments)
        if not isinstance(self._source, Restartable):
            raise Refused(UNSUPPORTED, "This source has no scan. Only bleak has.")
        self._source.restart()
        return "The scan starts again."

    async def _send_health(self, command: Command) -> str:
        _only(command.arguments)
        await self._tell_health()
        return "Health is published."

    async def _config(self, command: Command) -> str:
        settings = _only(command.arguments, "settings")
        if self._overlay is None or self._restart is None:
            raise Refused(UNSUPPORTED, "This gateway takes no settings from afar. Change its gateway.toml.")
        if not isinstance(settings, dict) or set(settings) - set(ALLOWED):
            raise Refused(BAD_ARGUMENT, f"settings is an object with names of: {', '.join(ALLOWED)}.")
        try:
            self._overlay.check(settings)
            await asyncio.to_thread(self._overlay.write, self._overlay.overlay.proposed(settings, command.id))
        except ConfigFaults as faults:
            raise Refused(BAD_ARGUMENT, "; ".join(str(fault) for fault in faults.faults)) from faults
        except OSError as error:
            raise Refused(FAILED, f"The settings cannot be stored ({error.strerror}).") from error
        raise Refused(TRIAL, "The gateway starts again with them. They stay if it then hears and delivers.")

    async def _update(self, command: Command) -> str:
        order = _only(command.arguments, "order")
        if self._updates is None:
            raise Refused(UNSUPPORTED, "Only an enrolled gateway can be updated from afar.")
        try:
            envelope = bytes.fromhex(order) if isinstance(order, str) else b""
        except ValueError:
            envelope = b""
        if not envelope:
            raise Refused(BAD_ARGUMENT, "order is a signed order in hexadecimal: see zonetag gateway update.")
        try:
            version = await self._updates.begin(command.id, envelope)
        except NotTaken as error:
            raise Refused(FAILED, str(error)) from error
        raise Refused(TRIAL, f"Version {version} is being installed. It stays if it then hears and delivers.")


def _only(arguments: Mapping[str, Any], name: str = "", default: object = None) -> object:
    """The argument `name`, the only one that may be given (none at all if empty)."""
    for given in arguments:
        if given != name:
            wanted = f"only {name}" if name else "nothing"
            raise Refused(BAD_ARGUMENT, f"{wanted} may stand under with.")
    return arguments.get(name, default)
