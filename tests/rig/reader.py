"""What stands in an answer of the pages or a file, whatever its form: text out of PDF and XLSX too."""

import io
import subprocess
import zipfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """Reads files back."""

    pdftotext: str
    folder: Path

    def text(self, data: bytes) -> str:
        """All text of some bytes."""
        if data.startswith(b"%PDF-"):
            path = self.folder / "read.pdf"
            path.write_bytes(data)
            done = subprocess.run(
                [self.pdftotext, "-layout", str(path), "-"], capture_output=True, check=True, timeout=60
            )
            return done.stdout.decode()
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as book:
                return unescape(" ".join(book.read(name).decode("utf-8", "replace") for name in book.namelist()))
        text = data.decode("utf-8", "replace")
        # As JSON writes it, and as HTML does.
        return unescape(text.encode().decode("unicode_escape", "replace") if "\\u" in text else text)
