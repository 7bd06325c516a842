"""Reading orders for the back office."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row

PAGE = 50


@dataclass(frozen=True)
class Order:
    id: int
    customer: str
    status: str
    placed_at: datetime


class OrderStore:
    def __init__(self, db: Connection) -> None:
        self._db = db
        self._db.row_factory = Row

    def get(self, order_id: int) -> Order | None:
        row = self._db.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
        return _order(row) if row else None

    def list(self, page: int = 0) -> Sequence[Order]:
        rows = self._db.execute(
            "SELECT * FROM orders ORDER BY placed_at DESC LIMIT ? OFFSET ?",
            (PAGE, page * PAGE),
        )
        return [_order(row) for row in rows]


def _order(row: Row) -> Order:
    return Order(
        id=row["id"],
        customer=row["customer"],
        status=row["status"],
        placed_at=datetime.fromisoformat(row["placed_at"]),
    )
