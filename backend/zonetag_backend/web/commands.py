"""The commands that pages tell people to type.  A test runs each through the command line's parser."""

import shlex

place = 'zonetag place add van-phong "Cửa chính" --kind entrance'
person = 'zonetag person add "Nguyễn Thị An" --unit "Phòng Hành chính"'
give = 'zonetag tag give A-001 "Nguyễn Thị An"'


def gateway(name: str, site: str = "van-phong", place: str = "Cửa chính") -> str:
    """The command that lets a gateway in; its name and place may hold anything, so they are quoted for the shell."""
    return f"zonetag place gateway {shlex.quote(name)} {shlex.quote(site)} {shlex.quote(place or 'Cửa chính')}"
