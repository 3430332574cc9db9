"""Signals of advocacy and of what the business did: reviews, referrals, contacts, offers."""

from features.expressions import Count, DaysSince, Latest, Mean
from features.signal import Signal

_GROUP = "advocacy"

SIGNALS = (
    Signal("referrals", "Invitations sent so far.", "count", Count("referral"), _GROUP, "falls"),
    Signal(
        "newcomers_brought",
        "Invited people who became customers.",
        "count",
        Count("referral_joined"),
        _GROUP,
        "falls",
    ),
    Signal(
        "days_since_referral",
        "Days since the latest invitation; missing where there was none.",
        "days",
        DaysSince("referral"),
        _GROUP,
        "rises",
    ),
    Signal(
        "latest_rating", "Rating of the latest review.", "rating", Latest("review"), _GROUP, "falls"
    ),
    Signal(
        "rating_change",
        "Latest rating less the mean of all ratings.",
        "rating",
        Latest("review") - Mean("review"),
        _GROUP,
        "falls",
    ),
    Signal(
        "contacts_90d",
        "Campaign contacts in the last 90 days.",
        "count",
        Count("contact", 90),
        "contacts",
        "depends",
        90,
    ),
    Signal(
        "offers_365d",
        "Offers accepted in the last 365 days.",
        "count",
        Count("offer", 365),
        "contacts",
        "depends",
        365,
    ),
)
