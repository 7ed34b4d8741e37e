"""What it means, page by page and command by command, that somebody had their data restricted.

A restriction is the person's right: what is held of them stays until its time is over, and is used for nothing else.
A test walks every page, paper, export and command of these tables with somebody restricted (`store.restrictions`), and
another holds the tables against the routes and the command line, so that nothing is added without its word here.
"""

HIDDEN = "hidden"
# It shows what was heard, traced or declared: the restricted are not in it, nor counted, by name or number.
REGISTER = "register"
# It shows the register (name, unit, staff number, tag), without which nobody could give a tag or find a request; of
# what was heard, the time of the last hearing too, it shows nothing.
EXCEPTED = "excepted"
# It shows them all the same, as the law allows: who is inside when it burns, and a case of their own.
OWN = "own"
# It is shown to the person alone, or sent by them.
NOBODY = "nobody"
# It shows no data of people.

PAGES = {
    "/": NOBODY,
    "/book/{site}": HIDDEN,
    "/person/{person}": HIDDEN,
    "/people": REGISTER,
    "/people/import": REGISTER,
    "/people/import/template": NOBODY,
    "/people/import/{work}": NOBODY,
    "/people/{person}": REGISTER,
    "/tags": REGISTER,
    "/tags/give": REGISTER,
    "/tags/{tag}": REGISTER,
    "/tags/{tag}/orders": REGISTER,
    # Counts of tags, and numbers of those whose firmware failed: no time, no person.
    "/firmware": NOBODY,
    "/firmware/{firmware}": NOBODY,
    # While they have the tag, the desk knows from whom to take it back; afterwards they are not in the list.
    "/visitors": REGISTER,
    "/visitors/{person}": REGISTER,
    "/plan/{site}": NOBODY,
    "/plan/{site}/picture": NOBODY,
    "/gateways": NOBODY,
    "/playbooks": NOBODY,
    "/rejected": NOBODY,
    "/live": NOBODY,
    "/login": NOBODY,
    "/login/code": NOBODY,
    "/logout": NOBODY,
    # What the same account has just typed, and nothing that is held here.
    "/typed": NOBODY,
    "/start/{token}": NOBODY,
    "/account": NOBODY,
    "/account/password": NOBODY,
    "/account/recovery": NOBODY,
    "/account/totp": NOBODY,
    "/accounts": NOBODY,
    "/accounts/{account}": NOBODY,
    # Ids, and the words of whoever gave a reason: the record of what was done has to be whole.
    "/audit": NOBODY,
    "/reasons/{case}": NOBODY,
    "/consents": NOBODY,
    "/consents/{consent}": NOBODY,
    # Of cases, the person who fell ill is excepted; contacts, sources, notices and places leave the restricted out.
    "/cases": REGISTER,
    "/cases/{case}": HIDDEN,
    "/cases/{case}/sources": HIDDEN,
    "/cases/{case}/notices": HIDDEN,
    "/cases/{case}/export": NOBODY,
    "/cases/{case}/export/{file}": HIDDEN,
    "/imports": NOBODY,
    "/imports/{case}": HIDDEN,
    "/setup": NOBODY,
    # Their tag is heard and greeted, without a name; they are not counted.
    "/screen/{place}": HIDDEN,
    "/screen/{place}/live": HIDDEN,
    "/screens": NOBODY,
    "/screens/open/{token}": NOBODY,
    "/screens/{screen}": NOBODY,
    "/declare/{token}": OWN,
    "/declarations/{site}": HIDDEN,
    "/questions": NOBODY,
    "/inside/{site}": EXCEPTED,
    "/papers": NOBODY,
    "/papers/book/{site}": HIDDEN,
    "/papers/evacuation/{site}": EXCEPTED,
    "/papers/case/{case}": HIDDEN,
    # Counts: as staff and as wearer of a tag they stand in the register; as heard they are not counted.
    "/papers/adoption": NOBODY,
    "/papers/labels": REGISTER,
    "/papers/poster": NOBODY,
    "/papers/consent": NOBODY,
    "/papers/visitor": REGISTER,
    # The list of who has no tag is the register; of whose tag was not heard they are not.
    "/adoption": REGISTER,
    "/adoption/reminders": HIDDEN,
    "/adoption/off/{person}": REGISTER,
    "/mine": OWN,
    "/mine/copy/{form}": OWN,
    "/mine/requests": OWN,
    "/mine/end": OWN,
    "/codes": NOBODY,
    # What they asked for, and that they are restricted.
    "/requests": REGISTER,
    "/requests/{request}": REGISTER,
    "/agreements": REGISTER,
    "/healthz": NOBODY,
    "/static/{name}": NOBODY,
}

# Commands by their words; one that has several says what holds for all of them, unless it stands here by itself.
COMMANDS = {
    "account": NOBODY,
    "audit": NOBODY,
    "backup": NOBODY,  # sealed: whoever restores it has the restriction with it
    "battery": NOBODY,
    "broker": NOBODY,
    "ca": NOBODY,
    "case open": EXCEPTED,
    "case trace": EXCEPTED,
    "case notify": HIDDEN,
    "case close": NOBODY,
    "case list": EXCEPTED,
    "case export": EXCEPTED,
    "case import": HIDDEN,
    "demo": NOBODY,
    "door side": NOBODY,
    "door log": HIDDEN,  # refused for them, unless a case of theirs is open
    "frame": NOBODY,
    "gateway": NOBODY,
    "key": NOBODY,
    "person": REGISTER,
    "place": NOBODY,
    "report book": HIDDEN,
    "report evacuation": EXCEPTED,
    "report case": HIDDEN,
    "report adoption": NOBODY,
    "report labels": REGISTER,
    "report poster": NOBODY,
    "report consent": NOBODY,
    "report visitor": REGISTER,
    "restore": NOBODY,
    "retention": NOBODY,
    "serve": HIDDEN,  # its notices and reminders
    "site": NOBODY,
    "tag": REGISTER,
    "tap": NOBODY,
    "trace": HIDDEN,  # refused for them, unless a case of theirs is open
}
