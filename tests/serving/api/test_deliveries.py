"""The service tells receivers of triggers, and looks at each customer once more before it does."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from features.ingest.lock import writing
from features.instants import datetime_of, instant_of
from serving.api.current import Current
from serving.api.rechecking import NOT_RUNNING, NOT_WANTED, QUIET, Recheck
from serving.campaigns.campaign import ContactRules
from serving.campaigns.decisions import Rulebook
from serving.campaigns.night import decide_night
from serving.campaigns.triggers import Trigger, triggers_after
from serving.campaigns.verdicts import CAPPED, COOLING, NO_CONSENT, NOT_ELIGIBLE
from serving.delivery.signing import new_secret
from serving.delivery.trigger_events import event_of
from serving.store.outbox import Message, count_letters
from serving.store.serving_version import load_version
from serving.workspace import Workspace, open_workspace
from tests.serving.api.calls import calling, copy_of
from tests.serving.delivery.conftest import Receiver, start_receiver  # noqa: F401 -- a fixture

VARIABLE = "KEEPWORTH_TEST_SECRET"
CAMPAIGN = {
    "name": "stay",
    "audience": "churn_3m > 0.1",
    "offer": "A month for nothing",
    "contact_cost": 0.5,
    "offer_cost": 5.0,
    "save_rate": 0.3,
    "stayer_acceptance": 0.2,
    "requires_consent": False,
}
MakeWorkspace = Callable[..., Workspace]


@pytest.fixture(scope="module")
def make_workspace(
    operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> MakeWorkspace:
    """Return a function that opens one copy of the operator with a campaign, changed or not."""
    copy = copy_of(operator_workspace, tmp_path_factory.mktemp("deliveries") / "copy").folder
    plain = (copy / "keepworth.toml").read_text("utf-8")

    def make(more: str = "", **changes: object) -> Workspace:
        settings = CAMPAIGN | changes
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        text = "\n".join([plain, "[[campaigns]]", *lines, more])
        (copy / "keepworth.toml").write_text(text, "utf-8")
        return open_workspace(copy)

    return make


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def triggers(make_workspace: MakeWorkspace, now: datetime) -> list[Trigger]:
    """Decide for a night, and return the triggers."""
    workspace = make_workspace()
    settings = workspace.configuration
    bundle = load_version(workspace.store)
    book = Rulebook(tuple(settings.campaigns), ContactRules(), settings.business.minor_units)
    with writing(workspace.state):
        decide_night(workspace.store, bundle, book, now)
    found = triggers_after(workspace.store, 0, 1000)
    assert len(found) > 20
    return found


def objections(workspace: Workspace, triggers: list[Trigger], now: datetime) -> set[str]:
    recheck = Recheck(Current(workspace))
    some = triggers[:20]
    messages = [
        Message(event_of(each).id, "crm", each.customer_id, each.campaign, "{}") for each in some
    ]
    found = [recheck(message, instant_of(now)) for message in messages]
    return {"" if each is None else each.reason for each in found}


def test_the_service_tells_a_receiver_of_every_trigger(
    make_workspace: MakeWorkspace,
    triggers: list[Trigger],
    start_receiver: Callable[[], Receiver],  # noqa: F811 -- the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver = start_receiver()
    monkeypatch.setenv(VARIABLE, new_secret())
    workspace = make_workspace(
        f'[[webhooks]]\nname = "crm"\nurl = "{receiver.url}"\n'
        f'secret_variables = ["{VARIABLE}"]\nallow_private_addresses = true'
    )
    with calling(workspace):
        deadline = time.monotonic() + 60
        while len(receiver.heard) < len(triggers) and time.monotonic() < deadline:
            time.sleep(0.05)
    told = [json.loads(each.body) for each in receiver.heard]
    assert sorted(each["subject"] for each in told) == sorted(t.customer_id for t in triggers)
    assert all(each["data"]["expected_profit"] > 0 for each in told)
    assert count_letters(workspace.store) == {"delivered": len(triggers)}


def test_nothing_is_objected_to_what_was_decided_just_now(
    make_workspace: MakeWorkspace, triggers: list[Trigger], now: datetime
) -> None:
    assert objections(make_workspace(), triggers, now) == {""}


def test_a_campaign_that_has_ended_or_is_gone_sends_nothing(
    make_workspace: MakeWorkspace, triggers: list[Trigger], now: datetime
) -> None:
    renamed = make_workspace(name="other")
    assert objections(renamed, triggers, now) == {NOT_RUNNING}
    ended = make_workspace(f"ends = {now.isoformat()}")
    assert objections(ended, triggers, now + timedelta(seconds=1)) == {NOT_RUNNING}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"audience": "churn_3m > 0.999"}, NOT_WANTED),
        ({"eligible": "tenure_months < 0"}, NOT_ELIGIBLE),
    ],
)
def test_whom_a_campaign_is_no_longer_for_hears_nothing(
    make_workspace: MakeWorkspace,
    triggers: list[Trigger],
    now: datetime,
    changes: dict[str, object],
    reason: str,
) -> None:
    assert objections(make_workspace(**changes), triggers, now) == {reason}


def test_whoever_gave_no_consent_hears_nothing(
    make_workspace: MakeWorkspace, triggers: list[Trigger], now: datetime
) -> None:
    workspace = make_workspace(requires_consent=True)
    assert objections(workspace, triggers, now) == {"", NO_CONSENT}


def test_rules_that_are_stricter_by_now_let_the_earliest_contact_stand(
    make_workspace: MakeWorkspace, triggers: list[Trigger], now: datetime
) -> None:
    """A second night was decided without a cooldown; then the cooldown, or a cap, came back."""
    lenient, later = make_workspace(cooldown_days=0.0), now + timedelta(days=2)
    settings = lenient.configuration
    book = Rulebook(tuple(settings.campaigns), ContactRules(), settings.business.minor_units)
    with writing(lenient.state):
        decide_night(lenient.store, load_version(lenient.store), book, later)
    again = triggers_after(lenient.store, triggers[-1].number, 1000)
    assert len(again) > 20

    cooling = make_workspace(cooldown_days=30.0)
    assert objections(cooling, triggers, later) == {""}
    assert objections(cooling, again, later) == {COOLING}
    capped = make_workspace("[contacts]\nmost_contacts = 1", cooldown_days=0.0)
    assert objections(capped, triggers, later) == {""}
    assert objections(capped, again, later) == {CAPPED}
    assert objections(make_workspace(cooldown_days=1.0), again, later) == {""}


def test_quiet_hours_that_began_meanwhile_are_kept(
    make_workspace: MakeWorkspace, triggers: list[Trigger], now: datetime
) -> None:
    workspace = make_workspace("[contacts]\nquiet_from = 20:00:00\nquiet_until = 08:00:00")
    recheck = Recheck(Current(workspace))
    first = triggers[0]
    message = Message(event_of(first).id, "crm", first.customer_id, first.campaign, "{}")
    # 20:30 in Vienna, where the operator's customers live, is 19:30 UTC in winter.
    evening = datetime(now.year + 1, 1, 10, 19, 30, tzinfo=UTC)
    objection = recheck(message, instant_of(evening))
    assert objection is not None
    assert objection.reason == QUIET
    assert datetime_of(objection.until or 0) == evening.replace(day=11, hour=7, minute=0)
