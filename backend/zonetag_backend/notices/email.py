"""Notices by e-mail, through the office's own mail server."""

import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import urlsplit

from zonetag_backend.notices.outgoing import NotSent, Outgoing

TIMEOUT_S = 20
MOST_ANSWER = 500
_LOCAL = re.compile(r"[A-Za-z0-9._+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Mail:
    """How to reach the mail server, and whom to write to."""

    url: str
    # smtp://HOST[:PORT] with STARTTLS where the server offers it, or smtps://HOST[:PORT]
    username: str
    # empty: without logging in
    password: str
    sender: str
    recipient: str
    # an address with {code} in it, which the staff number takes the place of


class Email:
    """One mail server."""

    channel = "email"

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    def send(self, notice: Outgoing, now_ms: int) -> str:  # a webhook signs the time, a mail does not
        """Send it; NotSent when the server does not take it, or the person has no staff number to write to."""
        if not _LOCAL.fullmatch(notice.code):  # what else it may hold could name a second recipient
            raise NotSent("no staff number that can stand in an address")
        try:
            message = self._message(notice)
            server = self._server()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotSent(_said(error), silent=isinstance(error, OSError)) from error
        try:
            refused = server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotSent(_said(error), silent=isinstance(error, smtplib.SMTPServerDisconnected)) from error
        finally:
            _leave(server)
        if refused:
            raise NotSent(str(refused)[:MOST_ANSWER])
        return "taken by the mail server"

    def _message(self, notice: Outgoing) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = notice.subject
        message["From"] = self._mail.sender
        message["To"] = self._mail.recipient.replace("{code}", notice.code)
        domain = self._mail.sender.rpartition("@")[2].rstrip(">")
        message["Message-ID"] = f"<zonetag-{notice.id}@{domain}>"  # the same at each try: a mailbox drops the second
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.text)
        return message

    def _server(self) -> smtplib.SMTP:
        url = urlsplit(self._mail.url)
        context = ssl.create_default_context()
        host = url.hostname or ""
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_S)
        try:
            if url.scheme == "smtp":
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=context)
            if self._mail.username:
                server.login(self._mail.username, self._mail.password)
        except BaseException:
            server.close()
            raise
        return server


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; what is said to that changes nothing: a message that was taken is taken."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException, ValueError):
        server.close()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MOST_ANSWER]
