"""What a check can see is the same in both engines: each probe prints the same in either sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.engines.outcome import RunResult
from lfci_gate.engines.sandbox import DEFAULT_LIMITS
from lfci_gate.model import Engine, Outcome
from lfci_gate.nix.runscript import FIXED_LIMITS
from tests.support.world_project import Project, definition

PROBES = {
    "identity": "id; whoami; umask; hostname; cat /proc/sys/kernel/domainname; groups",
    "places": "pwd; echo $HOME $TMPDIR $out; ls -A / /etc /bin /usr /usr/bin /build /build/home /build/tmp",
    "source": "find . | sort; stat -c '%n %a %u %g %s' a b dir dir/c",
    "store": "ls /nix /nix/store | grep -v -e -lfci-run-1-test$; echo $NIX_STORE",
    "writable": "for p in / /bin /etc /nix /proc /proc/sys /usr/bin $src /build /build/source /tmp /dev/shm;"
    " do (: > $p/probe) 2>/dev/null && echo $p; done",
    "modes": "stat -c '%n %a' /bin /build /build/* /dev/shm /nix /tmp /usr /usr/bin /bin/sh /usr/bin/env",
    "etc": "cat /etc/*",
    # The develop engine's has console and core too, Nix's kvm where the machine has it.
    "devices": "ls -A /dev | grep -v -e '^console$' -e '^core$' -e '^kvm$'; ls -l /dev/fd /dev/std*"
    " | sed 's/.*-> //'; echo x > /dev/tty",
    "environment": "env | sort",
    "locale and time": "date -d @0; echo $TZ $LC_ALL $LANG; python3 -c 'import locale, time;"
    ' print(locale.setlocale(locale.LC_ALL, ""), time.tzname)\'; printf "b\\nA\\na\\n" | sort',
    "limits": "ulimit -Sa; ulimit -Ha",
    "interpreters": "./env-script; ./sh-script; /bin/sh -c 'echo $0'; cmp /bin/sh $(type -P bash);"
    " readlink -f /bin/sh /usr/bin/env",
    "network": "cut -d: -f1 /proc/net/dev | tail -n +3; python3 loopback.py; cat /proc/net/route",
    "processes": "cat /proc/self/personality; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status;"
    " ps -o pid | wc -l | grep -c '^ *[1-9]$'",
    "terminal": "[ -t 1 ] && [ -t 2 ] && ! [ -t 0 ] && stty -a | head -n 1; wc -c; ls /proc/self/fd | wc -l",
    "files": "touch f; chmod u+s f; chmod g+s f; ls -l f | cut -c1-10; python3 attributes.py;"
    " mkfifo p && echo p; ln a hard && echo hard; ln -s a soft && readlink soft; umask",
    "addresses": "python3 -c 'import ctypes; print(hex(ctypes.addressof(ctypes.c_int.in_dll(ctypes.pythonapi,"
    ' "Py_OptimizeFlag"))))\'; python3 -c \'print(hash("x"))\'',
    "cores": "echo $NIX_BUILD_CORES; nproc",
}

FILES = {
    "a": "a",
    "b": "#!/bin/sh\n",
    "dir/c": "c",
    "env-script": "#!/usr/bin/env python3\nimport sys; print(sys.argv)\n",
    "sh-script": "#!/bin/sh\necho $0 $BASH_VERSION\n",
    "loopback.py": """
import socket
for address in ("127.0.0.1", "::1", "localhost"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 0), family=family)
    socket.create_connection(server.getsockname()[:2], 5)
    print(server.accept()[1][0])
for target in ("192.0.2.1", "host.example.com"):
    try:
        socket.create_connection((target, 80), 5)
    except OSError as error:
        print(error)
""",
    "attributes.py": """
import os
try:
    os.setxattr("f", "user.x", b"1")
except OSError as error:
    print(error)
""",
}
EXECUTABLE = ("b", "env-script", "sh-script")

COMMAND = "\n".join(
    f"( set +eu; {probe}\n) > '{name}.probe' 2>&1 && echo 0 || echo $?; mv '{name}.probe' $out/"
    for name, probe in PROBES.items()
)


@pytest.fixture(params=["plain", "stdenv", "structured"])
def project(make_project: Callable[..., Project], request: pytest.FixtureRequest) -> Project:
    made = make_project(f'{{ devShells.x86_64-linux.default = world.lib.shell "{request.param}" {{ }}; }}')
    made.write(FILES)
    for name in EXECUTABLE:
        (made.place / name).chmod(0o755)
    return made


def seen(project: Project, result: RunResult) -> dict[str, list[str]]:
    said = (result.exit_code, project.heard.output)
    assert result.outcome is Outcome.PASSED, said
    assert result.result is not None
    found = {"statuses": project.heard.output.decode().split()}
    for each in result.result.artifacts:
        data = project.cas.read(each.sha256)
        assert data is not None
        found[each.path.removesuffix(".probe")] = data.decode().splitlines()
    return found


def test_every_probe_sees_the_same_in_both_engines(project: Project, tmp_path: Path) -> None:
    artifacts = tuple(f"{name}.probe" for name in sorted(PROBES))
    check = definition(COMMAND, artifacts=artifacts, env={"WORD": "it's"})
    develop = seen(project, project.run(check))
    build = seen(project, project.run(check, engine=Engine.BUILD))
    assert {name: (build[name], develop[name]) for name in build if build[name] != develop[name]} == {}
    # And it is what it should be; a probe that says nothing proves nothing.
    assert all(len(lines) > 1 for lines in build.values()), build
    assert build["identity"][0].startswith("uid=1000(nixbld) gid=100(nixbld)")
    assert build["identity"][2:4] == ["0022", "localhost"]
    assert build["places"][0] == "/build/source"
    assert build["writable"] == ["/build", "/build/source", "/tmp", "/dev/shm"]
    assert build["interpreters"][:3] == ["['./env-script']", build["interpreters"][1], "/bin/sh"]
    assert "127.0.0.1" in build["network"]
    assert "::1" in build["network"]
    assert "WORD=it's" in build["environment"]
    assert build["files"][:2] == ["chmod: f: Operation not permitted"] * 2


def test_the_limits_of_the_script_are_those_of_the_develop_engine() -> None:
    """Which holds them from outside, too."""
    fixed = dict(FIXED_LIMITS)
    assert int(fixed["f"]) * 1024 == DEFAULT_LIMITS.file_bytes
    assert int(fixed["u"]) == DEFAULT_LIMITS.processes
