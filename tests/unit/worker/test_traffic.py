"""What is counted of requests, and where one sees it."""

from __future__ import annotations

import asyncio

import pytest
from clock import Clock
from durable import Storage
from program import KEY, SECRET, Program
from prometheus_client.parser import text_string_to_metric_families

from edge_cache.refresher.queries import DAY_MS, SHOWN, Queries
from edge_cache.refresher.soon import SOON_S
from edge_cache.refresher.traffic import HOUR_MS, MINUTE_MS, MINUTES, Traffic
from edge_cache.traffic import HAND_OVER_MS, Asked, Cost, Counted, Sum

AFTER_S = HAND_OVER_MS / 1000 + 1
ROWS = "/rest/v1/articles?select=title"

HIT = Counted("articles", "hit")

Totals = dict[tuple[str, ...], tuple[int, ...]]


async def totals(program: Program) -> Totals:
    """Return the sums, after everything was handed over. Nobody has to ask for that."""
    await program.live(AFTER_S)
    told = (await program.get("/health")).json["traffic"]["totals"]
    return {tuple(row[:3]): tuple(row[3:]) for row in told}


async def read(program: Program, path: str = ROWS, key: str = KEY) -> int:
    """Read as a client does, and return how long the body is."""
    answer = await program.get(path, apikey=key)
    await program.live(2)
    return len(answer.body or b"")


async def test_each_answer_is_counted_by_its_outcome() -> None:
    """A hit that the client had already is one: Supabase would have sent it as a whole.

    HEAD is one without bytes.
    """
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    size = await read(program)
    etag = (await program.get(ROWS, apikey=KEY)).headers["etag"]
    assert (await program.ask("GET", ROWS, {"apikey": KEY, "if-none-match": etag})).status == 304
    assert (await program.ask("HEAD", ROWS, {"apikey": KEY})).status == 200
    program.forget_readers("articles")
    await program.webhook("articles", 1)
    await read(program)
    await read(program, key="sb_publishable_other")
    await read(program, "/rest/v1/unknown?select=a")
    await program.get("/articles/7")
    program.supabase.fail()
    await read(program, "/rest/v1/articles?select=id")
    counted = await totals(program)
    assert counted.pop(("articles", "hit", ""))[:2] == (3, 2 * size)
    assert {key: sums[0] for key, sums in counted.items()} == {
        ("articles", "miss", ""): 1,
        ("articles", "outdated", ""): 1,
        ("articles", "passed", "key"): 1,
        ("*", "passed", "undeclared"): 1,
        ("articles", "error", "not-found"): 1,
        ("articles", "error", "supabase-unreachable"): 1,
    }


async def test_a_miss_counts_how_long_supabase_took() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    program.supabase.delay_s = 0.2
    await read(program)
    ((_, _, took_ms),) = (await totals(program)).values()
    assert 200 <= took_ms < 400


async def test_an_isolate_hands_over_only_now_and_then() -> None:
    """What it counts costs no request of its own."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    for _ in range(6):
        await read(program)
    traffic = (await program.get("/health")).json["traffic"]
    assert [row[3] for row in traffic["totals"]] == [1, 4]
    assert sum(row[1] for row in traffic["minutes"]) == 5
    assert len(program.recorded) == 1
    assert (await totals(program))[HIT][0] == 5


async def test_errors_are_handed_over_even_if_nothing_else_comes() -> None:
    program = Program()
    program.supabase.fail()
    assert (await program.get("/articles")).status == 502
    assert (await totals(program))["articles", "error", "supabase-unreachable"][0] == 1


async def test_if_the_runtime_ends_a_hand_over_a_later_answer_begins_another() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await read(program)
    program.end_background()
    await program.live(2 * AFTER_S)
    await read(program)
    counted = await totals(program)
    assert (counted["articles", "miss", ""][0], counted[HIT][0]) == (1, 1)


async def test_what_was_counted_outlives_objects_that_end_when_nobody_asks() -> None:
    """The runtime ends an object after ten seconds, and that is what a site at night looks like."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    for _ in range(3):
        await read(program)
        await program.live(AFTER_S + SOON_S)
        program.restart("*")
        program.restart("articles")
    assert {key: sums[0] for key, sums in (await totals(program)).items()} == {
        ("articles", "miss", ""): 1,
        HIT: 2,
    }
    assert (await own_now(program))["articles"][0] == 1


async def test_the_last_hour_is_known_of_each_target() -> None:
    """So one sees whose reads miss, and why."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    program.supabase.write("products", sku="a", title="old")
    await read(program)
    await program.live(3600)
    await read(program, "/products/a")
    await read(program, "/products/a")
    await totals(program)
    hour = (await program.get("/health")).json["traffic"]["hour"]
    assert [row[:4] for row in hour] == [["products", "miss", "", 1], ["products", "hit", "", 1]]


async def test_what_is_handed_over_is_recorded_outside_too() -> None:
    """That is once for all hits of a target, and not for each."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    for _ in range(5):
        await read(program)
    wanted = await totals(program)
    (recorded,) = program.recorded
    assert {tuple(key): tuple(sum_) for key, sum_ in recorded.items()} == wanted
    assert recorded[HIT].requests == 4


@pytest.mark.parametrize(("log_hits", "logged"), [("all", 201), ("sampled", 3), ("none", 0)])
async def test_the_log_has_a_sample_of_hits(log_hits: str, logged: int) -> None:
    """What is no hit is always logged. Hits are counted all the same."""
    program = Program(log_hits=log_hits)
    program.supabase.write("articles", id=1, title="old")
    await read(program)
    for _ in range(201):
        await program.get(ROWS, apikey=KEY)
    assert len(program.events("hit")) == logged
    assert len(program.events("miss")) == 1
    assert (await totals(program))["articles", "hit", ""][0] == 201


async def test_whoever_wants_no_counts_has_none() -> None:
    program = Program(counters="off")
    program.supabase.write("articles", id=1, title="old")
    await read(program)
    await program.live(AFTER_S)
    assert (await program.get("/health")).json["traffic"] is None
    for path in ("/metrics", "/queries"):
        answer = await program.get(path, authorization=f"Bearer {SECRET}")
        assert (answer.status, "COUNTERS" in answer.json["detail"]) == (404, True)


async def own_reads(program: Program) -> dict[str, tuple[int, ...]]:
    """Return what the cache itself asked, after the objects handed it over."""
    await program.live(AFTER_S)
    return await own_now(program)


async def own_now(program: Program) -> dict[str, tuple[int, ...]]:
    """Return the ledger's sums of that by their targets. The ledger has the name ``*``."""
    told = (await program.get("/health")).json["traffic"]["own"]
    return {row[0]: tuple(row[1:]) for row in told}


async def test_each_request_of_the_cache_itself_is_counted_as_supabase_counts_it() -> None:
    """Misses, retries, refreshes after changes, renewals, and the outbox. No reader's requests."""
    program = Program(revalidate_secret=SECRET, max_age_seconds="60")
    program.supabase.write("articles", id=1, title="old")
    program.supabase.write("products", sku="a", title="old")
    for path in ("/articles", ROWS, "/articles/1", "/products"):
        await read(program, path)
    await read(program, key="sb_publishable_other")
    program.supabase.fail(of="/articles/1", times=2)
    await program.webhook("articles", 1)
    await program.live(70)
    await read(program, "/products")
    await program.tick()
    own = await own_reads(program)
    asked = len(program.supabase.asked) + program.supabase.described
    assert own.keys() == {"articles", "products", "*"}
    assert sum(sums[0] for sums in own.values()) == asked
    assert own["products"][0] == program.supabase.count("/products") == 2
    assert [program.supabase.count(name) > 1 for name in ("/articles", "/articles/1")] == [True] * 2


async def test_a_request_of_the_cache_itself_counts_its_bytes_and_time() -> None:
    """One that fails counts, too."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    program.supabase.fail(of="/articles/1", times=1)
    program.supabase.delay_s = 0.2
    size = await read(program, "/articles/1")
    requests, bytes_, ms = (await own_reads(program))["articles"]
    assert (requests, bytes_) == (2, size)
    assert 400 <= ms < 500


async def test_a_target_hands_over_only_now_and_then() -> None:
    """Many reads within some seconds are one request to the ledger."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    for number in range(20):
        await program.get(f"{ROWS}&title=eq.{number}", apikey=KEY)
        await program.live(0.1)
    assert "articles" not in await own_now(program)
    assert (await own_reads(program))["articles"][0] == 20


async def test_prometheus_reads_the_totals() -> None:
    """They need the secret."""
    program = Program(revalidate_secret=SECRET)
    program.supabase.write("articles", id=1, title="old")
    await read(program)
    await read(program)
    wanted = await totals(program)
    assert (await program.get("/metrics")).status == 401
    answer = await program.get("/metrics", authorization=f"Bearer {SECRET}")
    families = text_string_to_metric_families((answer.body or b"").decode())
    requests, sizes, seconds, own_requests, *_ = families
    assert (requests.name, requests.type) == ("supabase_edge_cache_requests", "counter")
    for family, place, divisor in ((requests, 0, 1), (sizes, 1, 1), (seconds, 2, 1000)):
        read_ = {tuple(one.labels.values()): one.value for one in family.samples}
        assert read_ == {key: sums[place] / divisor for key, sums in wanted.items()}
    assert own_requests.name == "supabase_edge_cache_own_requests"
    asked = {one.labels["target"]: one.value for one in own_requests.samples}
    assert asked["articles"] == len(program.supabase.asked)


async def test_sums_outlive_the_object_and_old_minutes_go() -> None:
    """Hours stay for a week."""
    clock = Clock()
    storage = Storage(clock)
    traffic = Traffic(storage, clock.now_ms)
    traffic.add({HIT: Sum(1, 10, 0)})
    clock.set_by(MINUTES * MINUTE_MS)
    traffic.add({HIT: Sum(2, 20, 0), Counted("articles", "miss"): Sum(1, 10, 30)})
    await asyncio.sleep(SOON_S)
    for told in (traffic.told(), Traffic(storage, clock.now_ms).told()):
        assert told["totals"] == [
            ["articles", "hit", "", 3, 30, 0],
            ["articles", "miss", "", 1, 10, 30],
        ]
        minute = clock.now_ms() // MINUTE_MS * 60
        assert told["minutes"] == [[minute, 3, 2, 20, 0, 0, 0, 30]]
        hour = clock.now_ms() // HOUR_MS * 3600
        assert told["hours"] == [
            [hour - 3600, 1, 1, 10, 0, 0, 0, 10],
            [hour, 3, 2, 20, 0, 0, 0, 30],
        ]


async def test_a_clock_that_is_set_back_loses_no_totals() -> None:
    clock = Clock()
    traffic = Traffic(Storage(clock), clock.now_ms)
    traffic.add({HIT: Sum(1, 10, 0)})
    clock.set_by(-10 * HOUR_MS)
    traffic.add({HIT: Sum(1, 10, 0)})
    assert traffic.told()["totals"] == [["articles", "hit", "", 2, 20, 0]]


async def asked_most(program: Program) -> list[list[object]]:
    """Return what was asked of a table, the most frequent first."""
    bearer = {"authorization": f"Bearer {SECRET}"}
    told = (await program.ask("GET", "/queries", bearer)).json
    rows: list[list[object]] = told["targets"].get("articles", [])
    return rows


async def test_what_is_asked_for_most_is_known_by_a_sample() -> None:
    """It needs the secret, because the queries' text may be a person's."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await read(program)
    await read(program, "/articles/1")
    for number in range(400):
        await program.get(ROWS if number % 4 else "/articles/1", apikey=KEY)
    await totals(program)
    (often, seldom) = await asked_most(program)
    assert (often[0], seldom[0]) == (ROWS, "/articles/1")
    assert isinstance(often[1], int)
    assert isinstance(seldom[1], int)
    assert 200 <= often[1] <= 400
    assert 50 <= seldom[1] <= 150
    assert (await program.get("/queries")).status == 401


async def test_of_many_queries_those_stay_that_cost_most() -> None:
    """Each measure keeps its own, and a new day begins without any."""
    clock = Clock()
    storage = Storage(clock)
    queries = Queries(storage, clock.now_ms)
    queries.add({Asked("a", f"/{n}"): Cost(n, 200 - n, n % 7) for n in range(200)})
    await asyncio.sleep(SOON_S)
    for told in (queries.told(), Queries(storage, clock.now_ms).told()):
        targets = told["targets"]
        assert isinstance(targets, dict)
        paths = {row[0] for row in targets["a"]}
        assert {"/199", "/180", "/0", "/19", "/6"} <= paths
        assert SHOWN < len(paths) <= 3 * SHOWN
    clock.set_by(DAY_MS)
    queries.add({Asked("a", "/new"): Cost(1, 0, 0)})
    assert queries.told()["targets"] == {"a": [["/new", 1, 0, 0]]}
