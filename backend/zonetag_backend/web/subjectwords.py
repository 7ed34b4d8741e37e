"""Words for the codes of requests, consent and looks."""

from zonetag_backend import dutydays
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.store import consent_ledger, subject_requests
from zonetag_backend.web.languages import marked as _

KINDS = {
    dutydays.COPY: _("A copy of my data"),
    dutydays.CORRECT: _("Correct what is wrong"),
    dutydays.RESTRICT: _("Keep my data but show it to nobody"),
    dutydays.ERASE: _("Erase my data"),
    dutydays.WITHDRAW: _("Withdraw what I agreed to"),
}
# What happens then, to whoever asks.
MEANS = {
    dutydays.COPY: _("You can take it here at once, below. Ask for it if you want it on paper."),
    dutydays.CORRECT: _("Say what is wrong and how it is right."),
    dutydays.RESTRICT: _(
        "Your days are no longer shown to officers. In a fire you still stand in the list of who is inside."
    ),
    dutydays.ERASE: _("Your name and everything heard of your tag go for good, and the tag you wear ends."),
    dutydays.WITHDRAW: _(
        "You give the tag back. From then on nothing of you is recorded; what is there is shown to nobody and goes when"
        " its time is over."
    ),
}
STATES = {
    subject_requests.OPEN: _("open"),
    subject_requests.DONE: _("done"),
    subject_requests.REFUSED: _("refused"),
}
PURPOSES = {
    consent_ledger.BOOK: _("In-out book: when and where my tag was heard"),
    consent_ledger.TRACING: _("Contact tracing: whose tags were near mine"),
    consent_ledger.HEALTH: _("Health declaration"),
    consent_ledger.REMINDERS: _("Reminders to wear the tag"),
}
SHORT = {
    consent_ledger.BOOK: _("Book"),
    consent_ledger.TRACING: _("Tracing"),
    consent_ledger.HEALTH: _("Declaration"),
    consent_ledger.REMINDERS: _("Reminders"),
}
HOW = {consent_ledger.PAPER: _("on paper"), consent_ledger.SCREEN: _("at the page “What is held about me”")}
LOOKERS = {
    RECEPTION: _("Reception"),
    HEALTH: _("Health officer"),
    ADMIN: _("Administrator"),
    AUDITOR: _("Auditor"),
    "self": _("You"),
    "console": _("Somebody at the server"),
    "system": _("The server itself"),
    "other": _("Somebody whose account is gone"),
}
EVIDENCE = {True: _("given"), False: _("withdrawn")}
