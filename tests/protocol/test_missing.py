"""What an acknowledgement asks for, and what a gateway says of it: forms that are not allowed."""

from typing import Any

import cbor2
import pytest

from zonetag_protocol import acknowledgement, loss
from zonetag_protocol.errors import Malformed


def _fields(encoded: bytes) -> dict[Any, Any]:
    fields: dict[Any, Any] = cbor2.loads(encoded)
    return fields


@pytest.mark.parametrize("missing", [(5,), (8, 7), (7, 7), (9,), tuple(range(20, 20 + 257))])
def test_missing_that_contradicts(missing: tuple[int, ...]) -> None:
    fields = _fields(acknowledgement.encode(acknowledgement.Acknowledgement("gw", 1, 5, (9,))))
    assert acknowledgement.decode(cbor2.dumps(fields | {6: [7, 8]})).missing == (7, 8)
    with pytest.raises(Malformed):
        acknowledgement.decode(cbor2.dumps(fields | {6: list(missing)}))


@pytest.mark.parametrize("seqs", [[], [0], [2, 1], [1, 1], [1 << 63], [True], ["1"], None, list(range(1, 258))])
def test_a_loss_that_breaks_its_form(seqs: object) -> None:
    fields = _fields(loss.encode(loss.Loss("gw", 1, (1, 5))))
    assert loss.decode(cbor2.dumps(fields)) == loss.Loss("gw", 1, (1, 5))
    with pytest.raises(Malformed):
        loss.decode(cbor2.dumps(fields | {4: seqs}))
