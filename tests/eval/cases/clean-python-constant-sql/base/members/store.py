"""Members of a club."""

from sqlite3 import Connection

PAGE = 50


def listed(db: Connection, club: int, page: int) -> list[tuple]:
    return db.execute(
        "SELECT id, name, city, joined_on FROM members WHERE club = ? ORDER BY name LIMIT ? OFFSET ?",
        (club, PAGE, page * PAGE),
    ).fetchall()


def count(db: Connection, club: int) -> int:
    return db.execute("SELECT count(*) FROM members WHERE club = ?", (club,)).fetchone()[0]
