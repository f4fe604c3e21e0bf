"""Which system calls a program in the sandbox may make: a list of what is allowed, everything else is refused.

It computes, opens files, keeps time and starts threads. It starts no process or program, opens no socket, sends no
signal to anybody else, and reaches no part of the kernel that a calculation does not need.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# name:x86_64:aarch64, a dash where a machine does not have it
_ALLOWED = """
read:0:63 write:1:64 open:2:- openat:257:56 close:3:57 close_range:436:436 lseek:8:62 stat:4:- fstat:5:80 lstat:6:-
newfstatat:262:79 statx:332:291 statfs:137:43 fstatfs:138:44 access:21:- faccessat:269:48 faccessat2:439:439
pread64:17:67 pwrite64:18:68 readv:19:65 writev:20:66 preadv:295:69 pwritev:296:70 preadv2:327:286 pwritev2:328:287
sendfile:40:71 copy_file_range:326:285 fadvise64:221:223 flock:73:32 fsync:74:82 fdatasync:75:83 truncate:76:45
ftruncate:77:46 fallocate:285:47 getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50 rename:82:-
renameat:264:38 renameat2:316:276 mkdir:83:- mkdirat:258:34 rmdir:84:- creat:85:- link:86:- linkat:265:37 unlink:87:-
unlinkat:263:35 symlink:88:- symlinkat:266:36 readlink:89:- readlinkat:267:78 umask:95:166 pipe:22:- pipe2:293:59
dup:32:23 dup2:33:- dup3:292:24
poll:7:- ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:- epoll_create1:291:20 epoll_ctl:233:21
epoll_wait:232:- epoll_pwait:281:22 eventfd:284:- eventfd2:290:19 recvfrom:45:207 shutdown:48:210 getsockname:51:204
getpeername:52:205 getsockopt:55:209 setsockopt:54:208
mmap:9:222 munmap:11:215 mprotect:10:226 mremap:25:216 madvise:28:233 msync:26:227 brk:12:214 mincore:27:232
membarrier:324:283
rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigtimedwait:128:137
rt_sigsuspend:130:133 sigaltstack:131:132 restart_syscall:219:128 pause:34:- signalfd4:289:74
getpid:39:172 getppid:110:173 gettid:186:178 getuid:102:174 geteuid:107:175 getgid:104:176 getegid:108:177
getgroups:115:158 getresuid:118:148 getresgid:120:150 getpgrp:111:- getpgid:121:155 getsid:124:156 uname:63:160
sysinfo:99:179 times:100:153 getrusage:98:165 getrlimit:97:163 getcpu:309:168 getpriority:140:141
gettimeofday:96:169 time:201:- clock_gettime:228:113 clock_getres:229:114 clock_nanosleep:230:115 nanosleep:35:101
getitimer:36:102 setitimer:38:103 alarm:37:- timer_create:222:107 timer_settime:223:110 timer_gettime:224:108
timer_getoverrun:225:109 timer_delete:226:111 timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87
futex:202:98 futex_waitv:449:449 set_robust_list:273:99 get_robust_list:274:100 rseq:334:293 arch_prctl:158:-
set_tid_address:218:96 sched_yield:24:124 sched_getaffinity:204:123 sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 getrandom:318:278 exit:60:93 exit_group:231:94
wait4:61:260 waitid:247:95
"""
# Changing who may open a file, or its times, would reach files outside, and a library that copies a file wants to: it
# is told that this went well.
_IGNORED = "chmod:90:- fchmod:91:52 fchmodat:268:53 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88"
_NO_ATTRIBUTES = "setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 listxattr:194:11 llistxattr:195:12 flistxattr:196:13"
_LOOKED_AT = (
    "clone:56:220 ioctl:16:29 fcntl:72:25 prctl:157:167 prlimit64:302:261 socketpair:53:199 sendto:44:206 "
    "kill:62:129 tgkill:234:131"
)

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_FIRST_NEW = 424  # from here the numbers are the same everywhere, and libc tries an older call if one is not there

_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_EPERM, _ENOTTY, _ENOSYS, _ENOTSUP = 1, 25, 38, 95
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4

_THREAD = 0x00010000
_THREAD_OR_NAMESPACE = _THREAD | 0x7E020080
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, how much is there, close on exec
_FCNTLS = (*range(8), 36, 37, 38, 1030, 1032)  # flags, copies, locks; not whom to signal, nor the size of a pipe
_PRCTLS = (15, 16, 0x53564D41)  # the name of a thread or of a piece of memory
_UNIX, _STREAM = 1, 1

Instruction = tuple[int, int, int, int]


def filter_program(machine: str, pid: int) -> bytes:
    """The seccomp filter for one process, as the kernel takes it.

    Args:
        machine: as ``os.uname().machine`` says.
        pid: of the process; the only one that it may signal.

    Raises:
        NotImplementedError: for a machine whose calls are not known here.
    """
    if machine not in _MACHINES:
        raise NotImplementedError(f"no list of system calls for {machine}")
    audit, column = _MACHINES[machine]
    looked_at = dict(_numbers(_LOOKED_AT, column))
    program: list[Instruction] = [
        _load(_MACHINE_AT),
        (_EQUAL, 1, 0, audit),
        _return(_KILL),
        _load(_NUMBER_AT),
    ]
    for name, number in looked_at.items():
        body = _rule(name, pid)
        program += [(_EQUAL, 0, len(body), number), *body]
    for calls, answer in ((_ALLOWED, _ALLOW), (_IGNORED, _ERRNO), (_NO_ATTRIBUTES, _ERRNO | _ENOTSUP)):
        for _, number in _numbers(calls, column):
            program += [(_EQUAL, 0, 1, number), _return(answer)]
    program += [(_AT_LEAST, 0, 1, _FIRST_NEW), _return(_ERRNO | _ENOSYS), _return(_ERRNO | _EPERM)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _numbers(table: str, column: int) -> Iterator[tuple[str, int]]:
    for entry in table.split():
        name, *numbers = entry.split(":")
        if numbers[column] != "-":
            yield name, int(numbers[column])


def _rule(name: str, pid: int) -> list[Instruction]:
    """What is allowed of a call that is looked at: all of it ends in an answer."""
    if name == "clone":
        return [_load(_argument(0)), (_AND, 0, 0, _THREAD_OR_NAMESPACE), *_one_of(_THREAD)]
    if name == "ioctl":
        return [_load(_argument(1)), *_one_of(*_IOCTLS, otherwise=_ENOTTY)]
    if name == "fcntl":
        return [_load(_argument(1)), *_one_of(*_FCNTLS)]
    if name == "prctl":
        return [_load(_argument(0)), *_one_of(*_PRCTLS)]
    if name == "prlimit64":
        return [_load(_argument(0)), *_one_of(0)]
    if name == "socketpair":  # two ends that can be joined to nothing else
        family = [_load(_argument(0)), (_EQUAL, 1, 0, _UNIX), _return(_ERRNO | _EPERM)]
        return [*family, _load(_argument(1)), (_AND, 0, 0, 0xF), *_one_of(_STREAM)]
    if name == "sendto":  # to the other end, to no address
        half = [_load(_argument(4)), (_EQUAL, 1, 0, 0), _return(_ERRNO | _EPERM)]
        return [*half, _load(_argument(4) + 4), *_one_of(0)]
    return [_load(_argument(0)), *_one_of(pid)]  # kill and tgkill


def _one_of(*values: int, otherwise: int = _EPERM) -> list[Instruction]:
    program: list[Instruction] = []
    for value in values:
        program += [(_EQUAL, 0, 1, value), _return(_ALLOW)]
    return [*program, _return(_ERRNO | otherwise)]


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _return(answer: int) -> Instruction:
    return (_RETURN, 0, 0, answer)


def _argument(index: int) -> int:
    """Where the low half of an argument stands."""
    return 16 + 8 * index
