"""What tests of papers share: who writes, and tags that were heard."""

from rig.office import Office
from sqlalchemy import insert

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.store import schema
from zonetag_backend.store.engine import writing

HEAD = Letterhead(
    name="Văn phòng Sở Thông tin",
    parent="Ủy ban nhân dân tỉnh Quảng Ngãi",
    place="Quảng Ngãi",
    symbol="VP-STTTT",
    signer_title="Chánh văn phòng",
    signer="Nguyễn Thị Hường",
    addressee="Sở Thông tin và Truyền thông",
    recipients=("Như trên", "Lưu: VT"),
    link="https://zonetag.example.vn/mine",
)
WAYS = ("webhook",)


def clock_of(office: Office, tag: int, heard_ms: int, battery: int = 7) -> None:
    """When a tag was heard last, and what its status byte says of the battery (eighths)."""
    with writing(office.engine) as connection:
        connection.execute(
            insert(schema.tag_clock).values(
                tag=tag,
                offset_ms=0,
                slack_ms=0,
                offset_at_ms=0,
                confirmed=True,
                slot=0,
                status=battery,
                heard_ms=heard_ms,
            )
        )
