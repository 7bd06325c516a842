"""Members of a club."""

from sqlite3 import Connection

PAGE = 50
#: What a list may be sorted by, and how the column is called.
ORDERS = {"name": "name", "joined": "joined_on DESC", "city": "city, name"}


def listed(db: Connection, club: int, page: int, order: str = "name") -> list[tuple]:
    """One page of a club's members. Raises KeyError for an order that is not in ORDERS."""
    column = ORDERS[order]
    return db.execute(
        f"SELECT id, name, city, joined_on FROM members WHERE club = ? ORDER BY {column} LIMIT ? OFFSET ?",
        (club, PAGE, page * PAGE),
    ).fetchall()


def count(db: Connection, club: int) -> int:
    return db.execute("SELECT count(*) FROM members WHERE club = ?", (club,)).fetchone()[0]
