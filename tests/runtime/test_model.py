"""Whatever happens, in the end readers see the database.

Random steps are played against the real runtime: edits, webhooks (lost, doubled, late), reads,
outages and cron triggers. Once things are calm, every path must answer what the database has. If
every webhook was delivered, that is enough; if not, the cron trigger has to run first. Each run
plays other sequences; one that fails is printed.
"""

from __future__ import annotations

from edge import SEED, Edge, EdgeOf, eventually
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from upstream import answering, hanging_up

IDS = (1, 2, 3, 4)
DELIVERIES = st.sampled_from(["lost", "now", "twice", "late"])
EDITS = st.tuples(
    st.sampled_from(["insert", "update", "hide", "delete"]), st.sampled_from(IDS), DELIVERIES
)
STEPS = st.one_of(
    EDITS,
    st.tuples(st.just("read"), st.sampled_from((0, *IDS))),
    st.tuples(st.sampled_from(["outage", "recovery", "revalidate", "tick", "deliver"])),
)


class World:
    """A Worker, its database, what the database has, and the webhooks on their way."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.rows: dict[int, dict[str, object]] = {int(str(row["id"])): dict(row) for row in SEED}
        self.late: list[tuple[str, dict[str, object]]] = []
        self.edits = 0
        self.lost = False

    def play(self, step: tuple[object, ...]) -> None:
        """Do one step."""
        name = step[0]
        if name in {"insert", "update", "hide", "delete"}:
            self.edit(str(name), int(str(step[1])), str(step[2]))
        elif name == "read":
            self.edge.get(f"/articles/{step[1]}" if step[1] else "/articles")
        elif name == "outage":
            self.edge.upstream.always = hanging_up if self.edits % 2 else answering(401)
        elif name == "recovery":
            self.edge.upstream.always = None
        elif name == "deliver":
            self.deliver_late()
        elif name == "tick":
            self.edge.tick()
        else:
            self.edge.get("/revalidate")

    def edit(self, kind: str, row_id: int, delivery: str) -> None:
        """Change the database; send the webhook, or lose it."""
        self.edits += 1
        there = row_id in self.rows
        if there == (kind == "insert"):
            return
        if kind == "insert":
            row: dict[str, object] = {
                "id": row_id,
                "title": f"Edit {self.edits}",
                "body": "",
                "published": True,
            }
            row["author_id"] = None
            self.edge.db.insert([row])
            self.rows[row_id] = row
        elif kind == "delete":
            row = self.rows.pop(row_id)
            self.edge.db.delete(row_id)
        else:
            values = {"title": f"Edit {self.edits}", "published": kind == "update"}
            self.edge.db.update(row_id, **values)
            row = self.rows[row_id] = {**self.rows[row_id], **values}
        event = {"insert": "INSERT", "delete": "DELETE"}.get(kind, "UPDATE")
        self.lost = self.lost or delivery == "lost"
        if delivery == "late":
            self.late.insert(0, (event, row))
        for _ in range({"now": 1, "twice": 2}.get(delivery, 0)):
            self.edge.webhook(event, row).raise_for_status()

    def deliver_late(self) -> None:
        """Deliver the webhooks that are on their way, the last one first."""
        while self.late:
            self.edge.webhook(*self.late.pop(0)).raise_for_status()

    def calm_down(self) -> None:
        """End the outage, and deliver the late webhooks."""
        self.edge.upstream.always = None
        self.deliver_late()
        self.edge.settle()

    def differences(self) -> list[str]:
        """Return the paths that do not answer what the database has."""
        visible = {row_id: row for row_id, row in self.rows.items() if row["published"]}
        listed = self.edge.get("/articles").json()
        wrong = [] if listed == [visible[row_id] for row_id in sorted(visible)] else ["/articles"]
        for row_id in IDS:
            answer = self.edge.get(f"/articles/{row_id}")
            seen = answer.json() if answer.status_code == 200 else None
            if seen != visible.get(row_id):
                wrong.append(f"/articles/{row_id}")
        return wrong


@settings(
    max_examples=4,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate],  # shrinking would take the runtime minutes
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(STEPS, min_size=8, max_size=25))
def test_readers_end_with_what_the_database_has(
    edge_of: EdgeOf, steps: list[tuple[object, ...]]
) -> None:
    """Webhooks may be doubled, late or lost, and Supabase may be down."""
    world = World(edge_of())
    for step in steps:
        world.play(step)
    world.calm_down()
    if world.lost:
        world.edge.tick()
    eventually(lambda: world.differences() == [], f"readers see the database: {steps}")
