from pathlib import Path
from accuracy.result import Result


def evaluate(data: Path, train: Path | None) -> Result | None:
    return None
