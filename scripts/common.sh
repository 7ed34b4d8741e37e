# Shared by the scripts beside it (sourced): talking, and installing Debian packages where that is allowed.

say() { echo "zonetag: $*" >&2; }
die() { echo "zonetag: $*" >&2; exit 1; }

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

can_apt() { # root, or sudo that asks for no password
    command -v apt-get >/dev/null || return 1
    [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null
}

apt_install() { # apt_install PACKAGE...: services that come with them are neither started now nor at the next boot
    say "Installing Debian packages: $*"
    local policy=/usr/sbin/policy-rc.d made='' status=0
    if [[ ! -e $policy ]]; then # Debian's own way to say "install, but start nothing"
        as_root bash -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" && made=yes
    fi
    {
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
    } </dev/null >&2 || status=$?
    if [[ -n $made ]]; then as_root rm -f "$policy"; fi
    [[ $status == 0 ]] || say "apt-get failed: see above"
    return $status
}

keep_from_booting() { # keep_from_booting SERVICE...: what a package has just enabled, where systemd runs at all
    [[ -d /run/systemd/system ]] || return 0
    as_root systemctl disable --quiet "$@" || true
}
