"""Reads of whole tables, from a remote that has rows, cuts answers, and may have the function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.errors import (
    InvalidAnswer,
    TornRead,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.resources import Resource
from edge_cache.supabase.pages import CONCURRENT_PAGES, MAX_PASSES
from edge_cache.supabase.rest import Supabase
from edge_cache.supabase.snapshots import PAUSE_MS
from edge_cache.tables import DEFAULT, Table

ARTICLES = Resource(DEFAULT.tables[0])
JSON_TYPE = {"content-type": "application/json"}
Answer = Callable[[], httpx.Response]
Read = Callable[..., bytes]


def error(status: int, code: str) -> Answer:
    """Return a remote that answers with PostgREST's error."""
    return lambda: httpx.Response(status, json={"code": code})


MISSING = error(404, "PGRST202")
FORBIDDEN = error(401, "42501")


def numbered(count: int) -> list[dict[str, object]]:
    """Return this many rows, with brackets and commas in them."""
    return [{"id": n, "t": "],["} for n in range(count)]


@dataclass
class Project:
    """A remote like PostgREST. If ``function`` is given, it answers the function's calls."""

    rows: list[dict[str, object]]
    max_rows: int = 10
    function: Answer | None = None
    asked: list[str] = field(default_factory=list)
    before: Callable[[int], object] = lambda _number: None
    now_ms: int = 0
    timeout_s: float = 1

    def __post_init__(self) -> None:
        """Begin with a Worker that knows nothing yet."""
        settings = Settings("https://abc.supabase.co", "sb_publishable_x", self.timeout_s)
        transport = httpx.MockTransport(self.answer)
        self.supabase = Supabase(transport, settings, now_ms=lambda: self.now_ms)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request with the rows as they are."""
        self.asked.append(request.url.raw_path.decode().removeprefix("/rest/v1/"))
        self.before(len(self.asked))
        if request.url.path == "/rest/v1/rpc/edge_cache_snapshot":
            return self.function() if self.function else httpx.Response(200, json=self.rows)
        return self.page(int(request.url.params.get("offset", "0")))

    def page(self, offset: int) -> httpx.Response:
        """Return as many rows as one answer may have."""
        part = self.rows[offset : offset + self.max_rows]
        if offset and not part:
            return httpx.Response(416, json={"code": "PGRST103"})
        shown = f"{offset}-{offset + len(part) - 1}" if part else "*"
        headers = {"content-range": f"{shown}/{len(self.rows)}"}
        status = 206 if len(part) < len(self.rows) else 200
        return httpx.Response(status, json=part, headers=headers)

    def read(self, resource: Resource = ARTICLES) -> bytes:
        """Read the table once more."""
        return asyncio.run(self.supabase.read(resource)).body

    def ids(self) -> list[object]:
        """Read the table once more and return its ids."""
        return [row["id"] for row in json.loads(self.read())]

    def requests(self) -> list[str]:
        """Return what was asked since the last call: the offsets of pages, or the function."""
        asked = ["f" if "rpc/" in target else _offset(target) for target in self.asked]
        self.asked.clear()
        return asked


def _offset(target: str) -> str:
    return target.partition("&offset=")[2] or "0"


def answer(status: int, **kwargs: object) -> Callable[[httpx.Request], httpx.Response]:
    """Return a remote that always gives the same answer."""
    return lambda _request: httpx.Response(status, **kwargs)  # type: ignore[arg-type]


def test_one_page_is_handed_on_untouched(read: Read) -> None:
    """No byte of Supabase's answer changes."""
    body = b'[ {"id":1,\n"t":"\\u00e4"} ]'
    headers = {"content-range": "0-0/1", "content-type": "application/json"}
    assert read(answer(200, content=body, headers=headers)) == body


def test_a_short_table_is_one_request_each_time() -> None:
    """The function is for long tables."""
    project = Project(numbered(10))
    assert project.ids() == project.ids() == list(range(10))
    assert project.requests() == ["0", "0"]


def test_an_empty_table_is_an_empty_array() -> None:
    """A table without rows is an answer, not a failure."""
    assert Project([]).read() == b"[]"


def test_a_long_table_is_read_by_the_function() -> None:
    """From the second read on, one request is enough."""
    project = Project(numbered(25))
    assert [project.ids(), project.ids()] == [list(range(25))] * 2
    assert project.requests() == ["0", "f", "f"]


def test_the_functions_answer_is_handed_on_untouched() -> None:
    """No byte of its answer changes."""
    body = b'[ {"id":1},\n {"id":2,"t":"\\u00e4"} ]'
    project = Project(numbered(2), 1, lambda: httpx.Response(200, content=body, headers=JSON_TYPE))
    assert project.read() == body


def test_what_the_function_is_asked() -> None:
    """It gets the schema as an argument. The function itself is in the first exposed schema."""
    seen: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        headers = {} if "rpc" in request.url.path else {"content-range": "0-0/2"}
        return httpx.Response(200, json=[{"id": 1}], headers=headers)

    settings = Settings("https://abc.supabase.co", "eyJ.a.b")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    asyncio.run(supabase.read(Resource(Table("x", "the key", "x+y", own_name="a b&c"))))
    page, function = seen
    assert function.method == "GET"
    assert function.url.raw_path == (
        b"/rest/v1/rpc/edge_cache_snapshot?schema_name=x%2By&table_name=a%20b%26c&key_column=the%20key"
    )
    assert function.headers["authorization"] == "Bearer eyJ.a.b"
    assert page.headers["accept-profile"] == "x+y"
    assert "accept-profile" not in function.headers


def test_a_table_that_grows_and_shrinks_again() -> None:
    """If the table fits into one page, it is read as a page."""
    project = Project(numbered(10))
    project.read()
    project.rows = numbered(11)
    assert project.ids() == list(range(11))
    assert project.requests() == ["0", "0", "f"]
    project.rows = numbered(10)
    assert project.ids() == project.ids() == list(range(10))
    assert project.requests() == ["f", "0"]


def test_that_one_table_is_long_says_nothing_of_another() -> None:
    """We remember this for each table."""
    project = Project(numbered(25))
    project.read()
    project.requests()
    project.read(Resource(Table("products")))
    assert project.requests() == ["0", "f"]


@pytest.mark.parametrize(
    "function",
    [MISSING, FORBIDDEN, error(403, "42501"), error(404, "42883")],
)
def test_without_the_function_a_long_table_is_read_in_pages(function: Answer) -> None:
    """The function is missing, or the key may not call it. We remember that for a while."""
    project = Project(numbered(25), function=function)
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "10", "20", "0", "10", "20"]
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "10", "20"] * 2


def test_a_function_that_was_missing_is_looked_for_after_a_while() -> None:
    """If it was installed meanwhile, it is used within five minutes."""
    project = Project(numbered(25), function=MISSING, now_ms=1_000_000)
    project.read()
    project.function = None
    project.requests()
    project.now_ms += PAUSE_MS - 1
    assert project.ids() == list(range(25))
    assert "f" not in project.requests()
    project.now_ms += 1
    assert project.ids() == list(range(25))
    assert project.requests() == ["f"]
    assert PAUSE_MS == 5 * 60 * 1000


def test_a_function_that_is_still_missing_costs_one_request_in_a_while() -> None:
    """The table is still read in pages."""
    project = Project(numbered(25), function=MISSING)
    project.read()
    project.requests()
    project.now_ms = PAUSE_MS
    project.read()
    assert project.requests() == ["f", *["0", "10", "20"] * 2]
    project.now_ms += PAUSE_MS - 1
    project.read()
    assert "f" not in project.requests()


def test_a_clock_that_is_set_back_ends_the_pause() -> None:
    """Nothing waits longer than it should, and no pause begins again."""
    project = Project(numbered(25), function=MISSING, now_ms=1_000_000)
    project.read()
    project.function = None
    project.now_ms = 999_999
    project.requests()
    project.read()
    assert project.requests() == ["f"]
    project.now_ms = 1_000_001
    project.read()
    assert project.requests() == ["f"]


def test_what_is_missing_for_one_table_is_not_for_another() -> None:
    """The function may be unable to read every schema."""
    project = Project(numbered(25), function=FORBIDDEN)
    project.read()
    project.function = None
    project.requests()
    project.read(Resource(Table("products")))
    assert project.requests() == ["0", "f"]


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (error(500, "57014"), UpstreamUnavailable),
        (lambda: httpx.Response(503), UpstreamUnavailable),
        (lambda: httpx.Response(504), UpstreamTimeout),
        (lambda: httpx.Response(404, html="<p>"), UpstreamRejected),
        (error(404, "PGRST205"), UpstreamRejected),
        (error(400, "PGRST202"), UpstreamRejected),
        (error(401, "PGRST301"), UpstreamRejected),
        (error(400, "42501"), UpstreamRejected),
        (lambda: httpx.Response(302), InvalidAnswer),
        (lambda: httpx.Response(200, html="<p>"), InvalidAnswer),
        (lambda: httpx.Response(200, json={"id": 1}), InvalidAnswer),
        (lambda: httpx.Response(200, json=[[1]]), InvalidAnswer),
        (lambda: httpx.Response(200, content=b"null", headers=JSON_TYPE), InvalidAnswer),
        (lambda: httpx.Response(200, json=[], headers={"content-range": "0-9/*"}), InvalidAnswer),
        (lambda: httpx.Response(200, json=[], headers={"content-range": "0-0/1"}), InvalidAnswer),
        (lambda: httpx.Response(206, json=[]), InvalidAnswer),
        (lambda: httpx.Response(200, content=b'[{"id":1}', headers=JSON_TYPE), InvalidAnswer),
    ],
)
def test_anything_else_that_goes_wrong_with_the_function_is_an_error(
    function: Answer, kind: type[UpstreamError]
) -> None:
    """The read does not fall back to pages, because pages may show a table that never existed."""
    project = Project(numbered(25), function=function)
    for _ in range(2):
        with pytest.raises(kind):
            project.read()
        assert set(project.requests()) <= {"0", "f"}
    project.function = None
    assert project.ids() == list(range(25))


def test_a_function_that_returns_rows_is_another_one() -> None:
    """Its answer would have been cut. The error tells the operator what to do."""
    cut = httpx.Response(200, json=numbered(10), headers={"content-range": "0-9/*"})
    with pytest.raises(InvalidAnswer, match=r"run the script of `npm run sql` again") as caught:
        Project(numbered(25), function=lambda: cut).read()
    assert caught.value.supabase_status == 200
    one = httpx.Response(200, json=numbered(25), headers={"content-range": "0-0/*"})
    assert Project(numbered(25), function=lambda: one).ids() == list(range(25))


def test_transient_failures_of_the_function_are_tried_again() -> None:
    """Transient failures of pages are tried again, too."""
    answers = [httpx.Response(503), httpx.Response(503), httpx.Response(200, json=numbered(25))]
    project = Project(numbered(25), function=lambda: answers.pop(0))
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "f", "f"]


def test_reads_at_the_same_time_do_not_disturb_each_other() -> None:
    """This holds whatever they find out about the table."""
    project = Project(numbered(25), function=MISSING)

    async def both() -> list[bytes]:
        one, other = project.supabase.read(ARTICLES), project.supabase.read(ARTICLES)
        return [answered.body for answered in await asyncio.gather(one, other)]

    assert [len(json.loads(body)) for body in asyncio.run(both())] == [25, 25]


def test_all_pages_are_joined_in_order() -> None:
    """A reader gets all rows, even if there are more than `max_rows`."""
    project = Project(numbered(25), function=MISSING)
    assert json.loads(project.read()) == numbered(25)
    assert all("order=id.asc" in target for target in project.asked if "rpc/" not in target)


@pytest.mark.parametrize("function", [None, MISSING], ids=["the function", "pages"])
@pytest.mark.parametrize("count", [0, 10, 25])
def test_the_rows_of_a_table_are_counted(
    count: int, function: Callable[[], httpx.Response] | None
) -> None:
    """They are counted in each way of reading. For a single row there is no count."""
    project = Project(numbered(count), function=function)
    assert asyncio.run(project.supabase.read(ARTICLES)).rows == count


@pytest.mark.parametrize("count", [11, 19, 20, 21, 30])
def test_every_length_is_read(count: int) -> None:
    """This includes tables whose last page is full."""
    assert Project(numbered(count), function=MISSING).ids() == list(range(count))


def test_the_pages_bytes_are_kept() -> None:
    """Only the brackets between two pages become a comma."""
    bodies = [b' [{"id" : 1},\n {"id":2}] ', b'\n[ {"id":3.0} ]']

    def remote(request: httpx.Request) -> httpx.Response:
        if "rpc" in request.url.path:
            return MISSING()
        offset = int(request.url.params.get("offset", "0"))
        headers = {
            "content-type": "application/json",
            "content-range": "2-2/3" if offset else "0-1/3",
        }
        return httpx.Response(206, content=bodies[offset > 0], headers=headers)

    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    assert asyncio.run(supabase.read(ARTICLES)).body == b'[{"id" : 1},\n {"id":2},{"id":3.0}]'


def test_few_pages_are_asked_for_at_once() -> None:
    """A Worker may have six open connections."""
    open_now = most = 0

    async def remote(request: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.001)
        open_now -= 1
        return project.answer(request)

    project = Project(numbered(200), function=MISSING)
    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    asyncio.run(supabase.read(ARTICLES))
    assert most == CONCURRENT_PAGES == 4


def test_when_a_page_fails_the_others_are_not_read_to_the_end() -> None:
    """The caller gets the error at once."""
    project = Project(numbered(200), function=MISSING)
    asked: list[int] = []

    async def remote(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", "0"))
        asked.append(offset)
        if offset == 20:
            return httpx.Response(401)
        await asyncio.sleep(0.01)
        return project.answer(request)

    async def read() -> int:
        settings = Settings("https://abc.supabase.co", "sb_publishable_x")
        supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
        with pytest.raises(UpstreamRejected):
            await supabase.read(ARTICLES)
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks())

    assert asyncio.run(read()) == 1
    assert max(asked) < 100


def test_a_table_that_changes_between_pages_is_read_again() -> None:
    """An edit of a page that was already read must not be mixed with later pages."""
    project = Project(numbered(25), function=MISSING)

    def edit(number: int) -> None:
        if number == 3:
            project.rows[0], project.rows[24] = {"id": 0, "edited": 1}, {"id": 24, "edited": 2}

    project.before = edit
    assert json.loads(project.read()) == project.rows
    assert len(project.requests()) == 1 + 3 * 3


def test_a_row_that_moves_between_pages_is_neither_lost_nor_doubled() -> None:
    """A delete and an insert keep the count and shift the pages."""
    project = Project(numbered(25), function=MISSING)

    def move(number: int) -> None:
        if number == 3:
            project.rows.pop(0)
            project.rows.append({"id": 25})

    project.before = move
    assert json.loads(project.read()) == project.rows


def test_a_pass_that_was_torn_is_not_compared() -> None:
    """Only two whole passes, one right after the other, show that nothing changed."""
    project = Project(numbered(25), function=MISSING)

    def edit(number: int) -> None:
        # The passes begin with requests 1, 5, 8 and 11. The second is torn.
        project.rows = numbered(26 if number == 6 else 25)

    project.before = edit
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "10", "20", *["0", "10", "20"] * 3]


@pytest.mark.parametrize("shown", ["11-20/25", "10-19/26"])
def test_a_page_of_other_rows_does_not_fit(shown: str) -> None:
    """Each page must hold the rows that follow the last page's rows."""
    project = Project(numbered(25), function=MISSING)

    def remote(request: httpx.Request) -> httpx.Response:
        response = project.answer(request)
        if request.url.params.get("offset") == "10":
            response.headers["content-range"] = shown
        return response

    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    with pytest.raises(TornRead):
        asyncio.run(supabase.read(ARTICLES))
    assert project.requests().count("10") == MAX_PASSES


def test_a_table_that_becomes_short_while_it_is_read_is_handed_on_untouched() -> None:
    """Its only page is the whole table."""
    project = Project(numbered(25), function=MISSING)

    def shorten(number: int) -> None:
        if number == 3:
            project.rows = numbered(5)

    project.before = shorten
    assert project.ids() == list(range(5))
    assert project.requests() == ["0", "f", "10", "20", "0"]


@pytest.mark.parametrize("grow", [True, False])
def test_a_table_that_never_holds_still_is_given_up(grow: bool) -> None:
    """After a few tries there is an error, not a torn answer."""
    project = Project(numbered(200), function=MISSING)
    project.before = lambda n: project.rows.append({"id": 200 + n}) if grow else project.rows.pop()
    with pytest.raises(TornRead) as caught:
        project.read()
    assert project.requests().count("0") == MAX_PASSES == 4
    assert caught.value.detail == (
        "articles changed during each of 4 attempts to read its pages; the function of "
        "`npm run sql` would read it at one moment."
    )
    assert caught.value.retry_after_s == 5


def test_a_table_of_which_each_pass_differs_is_given_up() -> None:
    """This holds even if the count stays the same."""
    project = Project(numbered(25), function=MISSING)
    project.before = lambda n: project.rows.__setitem__(0, {"id": 0, "edit": n})
    with pytest.raises(TornRead):
        project.read()


def there_and_back(project: Project) -> None:
    """Change two distant rows together before each last page, and back before the next pass."""

    def edit(_number: int) -> None:
        stamp = "B" if project.asked[-1].endswith("offset=20") else "A"
        project.rows[0], project.rows[24] = {"id": 0, "t": stamp}, {"id": 24, "t": stamp}

    project.before = edit


def test_a_change_that_is_taken_back_is_no_danger_to_the_function() -> None:
    """One statement sees one moment, so it sees both changes or neither."""
    project = Project(numbered(25))
    there_and_back(project)
    for _ in range(3):
        rows = json.loads(project.read())
        assert rows[0]["t"] == rows[24]["t"]


def test_a_change_that_is_taken_back_may_fool_the_pages() -> None:
    """Two passes are equal, but such a table never existed. This is what the function is for."""
    project = Project(numbered(25), function=MISSING)
    there_and_back(project)
    rows = json.loads(project.read())
    assert (rows[0]["t"], rows[24]["t"]) == ("A", "B")


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (answer(200, json={"id": 1}), "not an array of rows"),
        (answer(200, json=[{"id": 1}, 1]), "not an array of rows"),
        (answer(200, content=b"null", headers=JSON_TYPE), "not an array of rows"),
        (answer(200, json=[{"id": 1}]), "without a Content-Range that counts them"),
        (
            answer(200, json=[{"id": 1}], headers={"content-range": "0-0/*"}),
            "without a Content-Range that counts them",
        ),
        (
            answer(206, json=[{"id": 1}], headers={"content-range": "0-1/2"}),
            "1 rows, but its Content-Range says 2",
        ),
        (
            answer(206, json=[{"id": 1}], headers={"content-range": "*/0"}),
            "1 rows, but its Content-Range says 0",
        ),
        (
            answer(206, json=[], headers={"content-range": "*/2"}),
            "no rows, but says that the table has some",
        ),
    ],
)
def test_rows_that_are_not_all_there_are_no_table(
    read: Read, remote: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    """The rows of an answer must agree with what the answer says about them."""
    with pytest.raises(InvalidAnswer, match=words):
        read(remote)


def test_the_time_limit_bounds_all_requests_of_a_read() -> None:
    """This holds even if each of many pages comes quickly."""

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        return project.answer(request)

    project = Project(numbered(500), function=MISSING)
    settings = Settings("https://abc.supabase.co", "sb_publishable_x", 0.1)
    supabase = Supabase(httpx.MockTransport(slowly), settings, now_ms=lambda: 0)
    with pytest.raises(UpstreamTimeout, match=r"0\.1 s"):
        asyncio.run(supabase.read(ARTICLES))
