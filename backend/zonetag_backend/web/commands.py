"""The commands that pages tell people to type.  A test runs each through the command line's parser."""

import shlex

SITE = "van-phong"
ENTRANCE = "Cửa chính"
WORKER = "Nguyễn Thị An"

# From nothing to the first line of the book, in order.
FIRST_SITE = f'zonetag site add {SITE} --title "Văn phòng"\nzonetag place add {SITE} "{ENTRANCE}" --kind entrance'
FIRST_GATEWAY = f'zonetag gateway add cua-chinh --site {SITE} --place "{ENTRANCE}"'
FIRST_PERSON = f'zonetag person add "{WORKER}" --unit "Phòng Hành chính"'
FIRST_TAG = f'zonetag tag add A-001 --person "{WORKER}"'

FLASH = "./flash.sh"
IMPORT = "zonetag tag import zonetag-tags/bundle.jsonl"
CA_INIT = "zonetag ca init --root-out /media/usb"
TAG_KEY = "zonetag tag key"
COMPILE = "./flash.sh --compile DIR"
PACK = "zonetag tag firmware pack DIR tag.zta"
GIVE_FIRST = f'zonetag tag give T-0001 "{WORKER}"'
ENROL_THERE = "zonetag-gateway enrol URL TOKEN"
DOCTOR = "zonetag-gateway doctor --config gateway.toml"
GIVE = f'zonetag tag give A-001 "{WORKER}"'
RUN_GATEWAY = "zonetag-gateway run --config gateway.toml"
DEMO = "make demo"


def enrol(gateway: str) -> str:
    """What prints the token of a gateway that is registered."""
    return f"zonetag gateway enrol {shlex.quote(gateway)}"


def let_in(gateway: str, site: str, places: list[str]) -> str:
    """What lets in a gateway that knocks; `places` are those of its site, none if the site is unknown.

    Names of gateways come from outside, so everything is quoted for the shell.
    """
    place = places[0] if places else ENTRANCE
    add = f"zonetag gateway add {shlex.quote(gateway)} --site {shlex.quote(site)} --place {shlex.quote(place)}"
    return add if places else f"zonetag site add {shlex.quote(site)}\n{add}"
