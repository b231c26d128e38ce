"""What somebody inside the sandbox would try first. Run in there: ``python3 -c <this file> <JSON>``.

Prints one JSON object: the name of each probe and how it ended, ``refused: ...`` or ``OPEN: ...``. Nothing is
harmed where the sandbox fails. System calls get arguments that no kernel takes, so they can only fail, and
the reason tells whether they were forbidden before they were looked at; what changes a process is tried in
a child that ends; places are opened and never written; network probes go to listeners of the test.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import socket
import sys

GIVEN = json.loads(sys.argv[1])
SCRATCH = GIVEN["scratch"]
LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {  # x86_64, aarch64
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "clone3": (435, 435),
    "pidfd_getfd": (438, 438),
    "open_by_handle_at": (304, 265),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "init_module": (175, 105),
    "fsopen": (430, 430),
}
FOUND = {}


def refused(why):
    return "refused: " + str(why)


def call(name, *arguments):
    """A system call, in a child: forbidden is EPERM or ENOSYS, and any other error is about the arguments."""
    pid = os.fork()
    if pid == 0:
        ctypes.set_errno(0)
        found = LIBC.syscall(NUMBERS[name][0 if X86 else 1], *arguments)
        os._exit(ctypes.get_errno() if found == -1 else 0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    word = errno.errorcode.get(status, "it succeeded")
    return refused(word) if word in ("EPERM", "ENOSYS") else "OPEN: " + word


def writable(place):
    """Looks whether a file could be made in a directory, and makes none."""
    return None if os.access(place, os.W_OK) else refused("not writable")


def probe(name):
    def taken(function):
        try:
            FOUND[name] = function() or "OPEN: nothing stopped it"
        except (OSError, KeyError) as error:
            FOUND[name] = refused(error)

    return taken


for _name, _arguments in {
    "keyctl": (0, -3, 0),
    "add_key": (b"user", b"lfci-probe", b"x", 1, -2),
    "request_key": (b"user", b"lfci-probe", 0, 0),
    "io_uring_setup": (1, (ctypes.c_char * 256)()),
    "bpf": (0, (ctypes.c_char * 128)(), 128),
    "ptrace": (16, -1, 0, 0),
    "process_vm_readv": (os.getpid(), 0, 0, 0, 0, 0),
    "perf_event_open": ((ctypes.c_char * 128)(), 0, -1, -1, 0),
    "userfaultfd": (0,),
    "setns": (-1, 0),
    "mount": (b"none", b"/", b"lfci-no-such-type", 0, 0),
    "clone3": (0, 0),
    "pidfd_getfd": (-1, 0, 0),
    "open_by_handle_at": (-1, 0, 0),
    "clock_settime": (0, 0),
    "sethostname": (b"probe", 4096),
    "init_module": (0, 0, b""),
    "fsopen": (b"lfci-no-such-type", 0),
}.items():
    FOUND[_name] = call(_name, *_arguments)
for _flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    FOUND["unshare " + hex(_flag)] = call("unshare", _flag)


@probe("keyctl through the 32-bit entry")
def _():
    if not X86:
        return refused("no such entry")
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # push rbx; mov eax, 288; xor ebx, ebx; mov ecx, -3; xor edx, edx; int 0x80; pop rbx; ret
    code.write(bytes.fromhex("53 b820010000 31db b9fdffffff 31d2 cd80 5b c3"))
    pid = os.fork()
    if pid == 0:
        entry = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
        os._exit(0 if entry() == -errno.ENOSYS else 1)
    status = os.waitpid(pid, 0)[1]
    return "OPEN: it was answered" if os.WIFEXITED(status) and os.WEXITSTATUS(status) else refused(status)


@probe("abstract socket of the host")
def _():
    socket.socket(socket.AF_UNIX).connect("\0" + GIVEN["abstract"])


@probe("socket of the host in the file system")
def _():
    socket.socket(socket.AF_UNIX).connect(GIVEN["socket"])


@probe("TCP to the host's loopback")
def _():
    socket.create_connection(("127.0.0.1", GIVEN["tcp"]), 2)


@probe("names from a DNS server")
def _():
    socket.getaddrinfo("host.example.com", 80)


@probe("a network device besides loopback")
def _():
    names = [name for _index, name in socket.if_nameindex()]
    return refused(names) if names == ["lo"] else "OPEN: " + str(names)


for _family, _word in ((17, "packet"), (38, "kernel crypto"), (40, "vsock"), (31, "bluetooth")):

    @probe(_word + " socket")
    def _(family=_family):
        socket.socket(family, socket.SOCK_RAW if family == 17 else socket.SOCK_SEQPACKET)


@probe("raw socket")
def _():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)


@probe("typing into the terminal (TIOCSTI)")
def _():
    fcntl.ioctl(1, 0x5412, b"\n")


@probe("typing into the terminal with the upper bits of the request set")
def _():
    ctypes.set_errno(0)
    found = LIBC.syscall(16 if X86 else 29, 1, ctypes.c_ulong(0x100005412), b"\n")
    return refused(errno.errorcode[ctypes.get_errno()]) if found == -1 else None


@probe("the controlling terminal")
def _():
    os.open("/dev/tty", os.O_RDWR)


@probe("file of the host")
def _():
    os.open(GIVEN["file"], os.O_RDONLY)


@probe("root of process 1")
def _():
    return refused("the same root") if os.listdir("/proc/1/root") == os.listdir("/") else None


@probe("process of the host")
def _():
    os.kill(GIVEN["pid"], 0)


@probe("processes of the host in /proc")
def _():
    seen = [name for name in os.listdir("/proc") if name.isdigit()]
    return refused(len(seen)) if len(seen) < 10 else "OPEN: " + str(len(seen))


@probe("inherited descriptors")
def _():
    own = os.open("/proc/self/fd", os.O_RDONLY)
    seen = [fd for fd in map(int, os.listdir(own)) if fd not in (0, 1, 2, own)]
    return (
        refused("none") if not seen else "OPEN: " + str([os.readlink(f"/proc/self/fd/{fd}") for fd in seen])
    )


@probe("environment of the host")
def _():
    seen = [name for name in os.environ if name.startswith(("LFCI", "SSH", "XDG", "DBUS", "GIT"))]
    return refused("none") if not seen else "OPEN: " + str(seen)


for _place in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"):

    @probe("opening " + _place + " for writing")
    def _(place=_place):
        os.open(place, os.O_WRONLY)


for _place in ("/", "/etc", "/etc/passwd", "/nix/store", "/dev", "/usr/bin", "/proc", "/sys"):

    @probe("writing to " + _place)
    def _(place=_place):
        return writable(place)


@probe("becoming root")
def _():
    os.setuid(0)


@probe("another root directory")
def _():
    os.chroot("/proc/self/no-such-place") if os.geteuid() == 0 else os.chroot("/")


@probe("a device file")
def _():
    os.mknod(SCRATCH + "/device", 0o20666, os.makedev(1, 3))  # another /dev/null


@probe("a setuid file")
def _():
    os.close(os.open(SCRATCH + "/setuid", os.O_CREAT))
    os.chmod(SCRATCH + "/setuid", 0o4755)


@probe("an extended attribute")
def _():
    os.setxattr(SCRATCH + "/setuid", "user.probe", b"x")


@probe("a namespace left open in /proc")
def _():
    same = {
        name: os.readlink("/proc/1/ns/" + name) == os.readlink("/proc/self/ns/" + name)
        for name in ("net", "pid")
    }
    return refused("the same") if all(same.values()) else "OPEN: " + str(same)


print(json.dumps(FOUND))
