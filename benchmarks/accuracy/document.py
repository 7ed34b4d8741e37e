from pathlib import Path
from accuracy.result import Result


def write(docs: Path, results: list[Result]) -> None: ...
