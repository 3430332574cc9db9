"""Signals of advocacy and of what the business did: reviews, referrals, contacts, offers."""

from features.expressions import Count, DaysSince, Latest, Mean, Referred
from features.signal import Family

_ADVOCACY, _CONTACTS = Family("advocacy"), Family("contacts")

_REFERRALS = (
    _ADVOCACY.signal("referrals", "Invitations sent so far.", "count", Count("referral"), "falls"),
    *_ADVOCACY.windows(
        "referrals",
        "Invitations sent",
        "count",
        lambda days: Count("referral", days),
        (90, 365),
        "falls",
    ),
    _ADVOCACY.signal(
        "days_since_referral",
        "Days since the latest invitation; missing where there was none.",
        "days",
        DaysSince("referral"),
        "rises",
    ),
    _ADVOCACY.signal(
        "newcomers_brought",
        "Invited people who became customers.",
        "count",
        Count("referral_joined"),
        "falls",
    ),
    *_ADVOCACY.windows(
        "newcomers_brought",
        "Invited people who became customers",
        "count",
        lambda days: Count("referral_joined", days),
        (365,),
        "falls",
    ),
    _ADVOCACY.signal(
        "conversion_of_referrals",
        "Invited people who became customers over invitations sent.",
        "share",
        Count("referral_joined") / Count("referral"),
        "falls",
    ),
    _ADVOCACY.signal(
        "was_referred", "Whether another customer referred them.", "flag", Referred(), "falls"
    ),
)
_REVIEWS = (
    *_ADVOCACY.windows(
        "reviews", "Reviews", "count", lambda days: Count("review", days), (90, 365)
    ),
    _ADVOCACY.signal(
        "days_since_review",
        "Days since the latest review; missing where there was none.",
        "days",
        DaysSince("review"),
    ),
    _ADVOCACY.signal(
        "latest_rating", "Rating of the latest review.", "rating", Latest("review"), "falls"
    ),
    _ADVOCACY.signal("mean_rating", "Mean of all ratings.", "rating", Mean("review"), "falls"),
    _ADVOCACY.signal(
        "rating_change",
        "Latest rating less the mean of all ratings.",
        "rating",
        Latest("review") - Mean("review"),
        "falls",
    ),
)
_CONTACTED = (
    *_CONTACTS.windows(
        "contacts",
        "Campaign contacts",
        "count",
        lambda days: Count("contact", days),
        (7, 30, 90, 365),
    ),
    _CONTACTS.signal(
        "days_since_contact",
        "Days since the latest campaign contact; missing where there was none.",
        "days",
        DaysSince("contact"),
    ),
    *_CONTACTS.windows(
        "offers", "Offers accepted", "count", lambda days: Count("offer", days), (90, 365)
    ),
    _CONTACTS.signal(
        "days_since_offer",
        "Days since the latest offer accepted; missing where there was none.",
        "days",
        DaysSince("offer"),
    ),
)

SIGNALS = (*_REFERRALS, *_REVIEWS, *_CONTACTED)
