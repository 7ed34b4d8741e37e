"""Notices to an SMS or Zalo gateway: POST of a JSON object, signed.

    POST <path>
    Content-Type: application/json
    Idempotency-Key: <id of the notice>
    Zonetag-Signature: t=<UTC ms>,v1=<hex of HMAC-SHA256(secret, t | "." | body)>

    {"id": "...", "code": "...", "name": "...", "phone": "", "language": "vi", "subject": "...", "text": "..."}

2xx is taken, anything else is tried again.  A repetition bears the same Idempotency-Key; redirections are not followed.
"""

import hashlib
import hmac
import http.client
import json
from urllib.parse import urlsplit

from zonetag_backend.notices.outgoing import NotSent, Outgoing

TIMEOUT_S = 20
MOST_ANSWER = 500  # characters kept of an answer


class Webhook:
    """A receiver at an http or https URL."""

    channel = "webhook"

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = urlsplit(url)
        self._secret = secret

    def send(self, notice: Outgoing, now_ms: int) -> str:
        """POST it; the status line.  NotSent for anything but 2xx."""
        body = json.dumps(
            {
                "id": str(notice.id),  # as text: JavaScript's numbers end at 2^53
                "code": notice.code,
                "name": notice.name,
                "phone": notice.phone,
                "language": notice.language,
                "subject": notice.subject,
                "text": notice.text,
            },
            ensure_ascii=False,
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(notice.id),
            "Zonetag-Signature": signature(self._secret, now_ms, body),
        }
        url = self._url
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_S)
        try:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = f"{answer.status} {_text(answer)}".strip()
        except (OSError, http.client.HTTPException, ValueError) as error:
            silent = isinstance(error, OSError)
            raise NotSent(f"{type(error).__name__}: {error}"[:MOST_ANSWER], silent=silent) from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise NotSent(said)
        return said


def _text(answer: http.client.HTTPResponse) -> str:
    """The beginning of what was said beside the status, which alone decides: what does not come must not undo it."""
    try:
        return answer.read1(MOST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def signature(secret: bytes, now_ms: int, body: bytes) -> str:
    """What the header says; a receiver computes it anew and compares, and refuses what is older than some minutes."""
    mac = hmac.new(secret, f"{now_ms}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now_ms},v1={mac}"
