"""Words for the codes of roles and of the audit log's actions."""

from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.web.languages import marked as _

ROLES = {
    RECEPTION: _("Reception"),
    HEALTH: _("Health officer"),
    ADMIN: _("Administrator"),
    AUDITOR: _("Auditor"),
}
# What each may do, in a sentence.
DUTIES = {
    RECEPTION: _("sees who is in"),
    HEALTH: _("sees who is in, people's days, and cases"),
    ADMIN: _("looks after gateways, tags and accounts; no health or contact data"),
    AUDITOR: _("reads the audit log"),
}

# What a screen at a door says of who was heard.
SHOWS = {
    "given": _("the given name"),
    "number": _("the tag's number"),
    "nothing": _("neither name nor number"),
}

# Action -> words.  One that is not here is shown by its code.
ACTIONS = {
    "book.read": _("read the in-out book"),
    "person.read": _("read a person's day"),
    "people.read": _("read the list of people"),
    "inside.read": _("read who is in the building"),
    "declaration.read": _("read health declarations"),
    "declaration.switch": _("switched health declarations on or off"),
    "question.change": _("changed the questions of the health declaration"),
    "screen.make": _("made an entrance screen"),
    "screen.open": _("became an entrance screen"),
    "screen.revoke": _("revoked an entrance screen"),
    "contacts.read": _("read a person's contacts"),
    "reason.give": _("gave a reason"),
    "consent.give": _("agreed to a reason"),
    "audit.read": _("read the audit log"),
    "audit.export": _("exported the audit log"),
    "audit.expire": _("removed entries whose time was over"),
    "account.add": _("made an account"),
    "account.link": _("made a one-time link"),
    "account.disable": _("disabled an account"),
    "account.enable": _("enabled an account"),
    "account.reset": _("reset an account"),
    "account.password": _("set a password"),
    "account.totp": _("set up the second factor"),
    "account.recovery": _("used a recovery code"),
    "login": _("signed in"),
    "login.fail": _("failed to sign in"),
    "logout": _("signed out"),
    "site.add": _("made a site"),
    "place.add": _("made a place"),
    "gateway.add": _("let a gateway in"),
    "person.erase": _("erased a person"),
    "person.add": _("entered a person"),
    "tag.add": _("took a tag in"),
    "tag.give": _("gave a tag to somebody"),
    "tag.take": _("took a tag back"),
    "tag.state": _("changed a tag's state"),
    "gateway.enrol": _("enrolled a gateway"),
    "gateway.revoke": _("revoked a gateway"),
    "case.open": _("opened a case"),
    "case.read": _("read a case"),
    "case.change": _("changed a case"),
    "case.close": _("closed a case"),
    "export.make": _("exported data"),
    "reminder.send": _("reminded people of their tags"),
    "reminder.off": _("ended reminders to a person"),
    "reminder.on": _("allowed reminders to a person again"),
    "key.rotate": _("changed the key that seals all others"),
    "backup.make": _("made a backup"),
    "backup.restore": _("restored a backup"),
}
