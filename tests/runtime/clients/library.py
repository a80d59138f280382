"""The rows of project/schemas/writers.sql, with all sorts of values and characters."""

from __future__ import annotations

from edge import Database

Row = dict[str, object]

DECLARED = {
    "writers": {},
    "books": {},
    "tags": {},
    "reviews": {},
    "readings": {"schema": "agenda"},
    "recent_books": {"view": True},
    "loans": {"view": True},
    "lost": {"view": True},
    "search_books": {"function": True},
    "count_books": {"function": True},
}
"""What ``TABLES`` tells the Worker of. Nobody may read `loans`, and there is no `lost`."""

WRITERS: list[Row] = [
    {"id": 1, "name": "Ada Lovelace", "country": "GB"},
    {"id": 2, "name": "Jörg Müller", "country": "DE"},
    {"id": 3, "name": "O'Nolan, Brian (Myles)", "country": "IE"},
    {"id": 4, "name": "Nobody \N{GHOST}", "country": None},
]

TAGS: list[Row] = [
    {"id": 1, "name": "machines"},
    {"id": 2, "name": "food, drink"},
    {"id": 3, "name": "never used"},
]


def _book(book_id: int, title: str, **columns: object) -> Row:
    """Return a row with every column, because rows that are sent together need the same columns."""
    unset: Row = dict.fromkeys(("subtitle", "writer_id", "price", "published_at", "in_print"))
    return {"id": book_id, "title": title, **unset, "languages": [], "details": None, **columns}


BOOKS: list[Row] = [
    _book(
        1,
        "Notes on the engine",
        writer_id=1,
        price="12.50",
        published_at="1843-09-01T10:00:00+00:00",
        languages=["en", "fr"],
        details={"pages": 66, "shelf": {"room": "A", "no": 1}, "awards": ["first", "best"]},
        in_print="[1843,1900)",
    ),
    _book(
        2,
        "Über Bücher & Bäume",
        subtitle="Größe; Maß + Form",
        writer_id=2,
        price="9.99",
        published_at="2021-03-28T02:30:00.123456+00:00",
        languages=["de"],
        details={"pages": 120, "shelf": {"room": "B", "no": 2}},
        in_print="[2021,2026)",
    ),
    _book(
        3,
        'The "third" (policeman), etc.',
        subtitle="a.b:c,d",
        writer_id=3,
        price="0.00",
        published_at="1967-01-01T00:00:00+00:00",
        languages=["en", "ga", "x, y"],
        details={"pages": None, "shelf": {"room": "A", "no": 3}},
        in_print="[1967,)",
    ),
    _book(4, "100% cotton_weave*", writer_id=1, price="1e3", languages=["en"], details=[1, "two"]),
    _book(5, "a.b:c;d+e=f?g#h/i\\j", writer_id=2, subtitle="", details={}),
    _book(6, "The engine of engines", writer_id=1, published_at="2001-01-01T00:00:00+02:00"),
    _book(7, "\N{OWL} An owl, not an engine \N{OWL}", in_print="empty", languages=["e\u0301n"]),
    _book(8, "two  spaces,  %20 and +", subtitle="null", writer_id=3, price="-1"),
]

BOOK_TAGS: list[Row] = [
    {"book_id": 1, "tag_id": 1},
    {"book_id": 3, "tag_id": 2},
    {"book_id": 6, "tag_id": 1},
    {"book_id": 6, "tag_id": 2},
]

REVIEWS: list[Row] = [
    {"id": 1, "book_id": 1, "stars": 5, "body": "A joy", "published": True},
    {"id": 2, "book_id": 1, "stars": 2, "body": None, "published": True},
    {"id": 3, "book_id": 2, "stars": 4, "body": "Schön; und klug", "published": True},
    {"id": 4, "book_id": 3, "stars": 1, "body": "Not yet", "published": False},
]

SHELVES: list[Row] = [{"id": 1, "room": "A"}, {"id": 2, "room": "B"}]

READINGS: list[Row] = [
    {"id": 1, "title": "An evening, with wine", "starts_at": "2026-12-01T19:00:00+00:00"},
    {"id": 2, "title": "For children", "starts_at": None},
]


def fill(database: Database) -> None:
    """Put these rows into the library, and nothing else.

    The database deletes a writer's books together with the writer.
    """
    for table, rows in (
        ("writers", WRITERS),
        ("books", BOOKS),
        ("tags", TAGS),
        ("reviews", REVIEWS),
        ("shelves", SHELVES),
    ):
        database.replace(rows, table)
    database.insert(BOOK_TAGS, "book_tags")
    database.replace_in("agenda", "readings", "id", READINGS)
