"""The pool of native threads in LLVM's language: its memory, and what workers and callers do."""

from __future__ import annotations

import signal

import llvmlite.binding as llvm

from gradtape.programs.threads import MOST_THREADS

__all__ = ["BYTES", "called", "written"]

#: So often a thread looks again before it sleeps: some fifty microseconds.
_LOOKS = 2000

#: The pool's memory. What is written at different times stands in lines of its own. ``ticket`` has
#: in its lower half how many pieces are left, in its upper half the number of the job: who takes a
#: piece by exchanging the whole knows that the job is still the one that was looked at.
_LAYOUT = f"""
%seat = type {{ ptr, i64, ptr }} ; the pool, the worker's number, its thread
%pool = type {{
  i64, [7 x i64],         ; 0 ticket
  i64, [7 x i64],         ; 2 how many pieces are done
  i64, [7 x i64],         ; 4 whether somebody uses the pool
  i64, [7 x i64],         ; 6 how many workers sleep
  i64, [7 x i64],         ; 8 whether the caller sleeps
  ptr, ptr, i64,          ; 10 the job's function, 11 what it is given, 12 its pieces
  [5 x i64],
  i64, i64, i64,          ; 14 threads wanted, 15 workers there, 16 whether they must end
  i32, i32,               ; 17 whether it is closed, 18 the process
  i64, [3 x i64],         ; 19 the process that takes it over
  [16 x i64],             ; 21 mutex
  [16 x i64], [16 x i64], ; 22 there is work, 23 all is done
  [{MOST_THREADS} x %seat] ; 24
}}
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(ptr, ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @usleep(i32)
declare i32 @getpid()
declare i32 @sigfillset(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
attributes #0 = {{ nounwind }}
"""

#: Its size: lines, words, mutex and conditions, seats.
BYTES = 8 * (7 * 8 + 3 * 16 + 3 * MOST_THREADS)

_WORK = """
define internal void @work(ptr %p, i64 %slot) #0 {
  %ticket = getelementptr %pool, ptr %p, i32 0, i32 0
  %done = getelementptr %pool, ptr %p, i32 0, i32 2
  %waits = getelementptr %pool, ptr %p, i32 0, i32 8
  %function = getelementptr %pool, ptr %p, i32 0, i32 10
  %given = getelementptr %pool, ptr %p, i32 0, i32 11
  %pieces = getelementptr %pool, ptr %p, i32 0, i32 12
  br label %look
look:
  %t = load atomic i64, ptr %ticket seq_cst, align 8
  %left = and i64 %t, 4294967295
  %none = icmp eq i64 %left, 0
  %n = load atomic i64, ptr %pieces monotonic, align 8
  %spare = icmp uge i64 %slot, %n
  %no = or i1 %none, %spare
  br i1 %no, label %end, label %take
take:
  %f = load atomic ptr, ptr %function monotonic, align 8
  %g = load atomic ptr, ptr %given monotonic, align 8
  %less = sub i64 %t, 1
  %exchange = cmpxchg ptr %ticket, i64 %t, i64 %less seq_cst seq_cst
  %mine = extractvalue { i64, i1 } %exchange, 1
  br i1 %mine, label %run, label %look
run:
  %piece = sub i64 %left, 1
  call void %f(ptr %g, i64 %piece, i64 %slot)
  %before = atomicrmw add ptr %done, i64 1 seq_cst
  %w = load atomic i64, ptr %waits seq_cst, align 8
  %awake = icmp eq i64 %w, 0
  br i1 %awake, label %look, label %wake
wake:
  %all = getelementptr %pool, ptr %p, i32 0, i32 23
  call void @wake(ptr %p, ptr %all)
  br label %look
end:
  ret void
}

define internal void @wake(ptr %p, ptr %condition) #0 {
  %mutex = getelementptr %pool, ptr %p, i32 0, i32 21
  call i32 @pthread_mutex_lock(ptr %mutex)
  call i32 @pthread_cond_broadcast(ptr %condition)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret void
}

define internal ptr @worker(ptr %seat) #0 {
  %p = load ptr, ptr %seat, align 8
  %number = getelementptr %seat, ptr %seat, i32 0, i32 1
  %slot = load i64, ptr %number, align 8
  %ticket = getelementptr %pool, ptr %p, i32 0, i32 0
  %sleeping = getelementptr %pool, ptr %p, i32 0, i32 6
  %ending = getelementptr %pool, ptr %p, i32 0, i32 16
  %mutex = getelementptr %pool, ptr %p, i32 0, i32 21
  %condition = getelementptr %pool, ptr %p, i32 0, i32 22
  br label %work
work:
  call void @work(ptr %p, i64 %slot)
  br label %look
look:
  %i = phi i64 [ 0, %work ], [ %next, %pause ]
  %t = load atomic i64, ptr %ticket seq_cst, align 8
  %left = and i64 %t, 4294967295
  %some = icmp ne i64 %left, 0
  br i1 %some, label %work, label %pause
pause:
  PAUSE
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, LOOKS
  br i1 %again, label %look, label %sleep
sleep:
  call i32 @pthread_mutex_lock(ptr %mutex)
  %x = atomicrmw add ptr %sleeping, i64 1 seq_cst
  br label %check
check:
  %t2 = load atomic i64, ptr %ticket seq_cst, align 8
  %left2 = and i64 %t2, 4294967295
  %some2 = icmp ne i64 %left2, 0
  %e = load atomic i64, ptr %ending seq_cst, align 8
  %ends = icmp ne i64 %e, 0
  %up = or i1 %some2, %ends
  br i1 %up, label %rise, label %wait
wait:
  call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %check
rise:
  %y = atomicrmw sub ptr %sleeping, i64 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br i1 %ends, label %end, label %work
end:
  ret ptr null
}
"""

_RUN = """
define internal void @alone(ptr %p, ptr %f, ptr %g, i64 %n) #0 {
  br label %loop
loop:
  %i = phi i64 [ %n, %0 ], [ %piece, %loop ]
  %piece = sub i64 %i, 1
  call void %f(ptr %g, i64 %piece, i64 0)
  %more = icmp ne i64 %piece, 0
  br i1 %more, label %loop, label %end
end:
  ret void
}

define internal void @together(ptr %p, ptr %f, ptr %g, i64 %n) #0 {
  %wanted = getelementptr %pool, ptr %p, i32 0, i32 14
  %busy = getelementptr %pool, ptr %p, i32 0, i32 4
  %w = load atomic i64, ptr %wanted monotonic, align 8
  %several = icmp ugt i64 %w, 1
  br i1 %several, label %several_wanted, label %alone
several_wanted:
  %ours = call i1 @notice(ptr %p)
  br i1 %ours, label %enter, label %alone
enter:
  %exchange = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue { i64, i1 } %exchange, 1
  br i1 %free, label %staff, label %alone
alone:
  call void @alone(ptr %p, ptr %f, ptr %g, i64 %n)
  ret void
staff:
  %there = getelementptr %pool, ptr %p, i32 0, i32 15
  %workers = load i64, ptr %there, align 8
  %threads = add i64 %workers, 1
  %w2 = load atomic i64, ptr %wanted monotonic, align 8
  %fewer = icmp ult i64 %threads, %w2
  br i1 %fewer, label %hire, label %publish
hire:
  call void @start(ptr %p)
  br label %publish
publish:
  %ticket = getelementptr %pool, ptr %p, i32 0, i32 0
  %done = getelementptr %pool, ptr %p, i32 0, i32 2
  %sleeping = getelementptr %pool, ptr %p, i32 0, i32 6
  %waits = getelementptr %pool, ptr %p, i32 0, i32 8
  %function = getelementptr %pool, ptr %p, i32 0, i32 10
  %given = getelementptr %pool, ptr %p, i32 0, i32 11
  %pieces = getelementptr %pool, ptr %p, i32 0, i32 12
  store atomic i64 0, ptr %done seq_cst, align 8
  store atomic ptr %f, ptr %function seq_cst, align 8
  store atomic ptr %g, ptr %given seq_cst, align 8
  store atomic i64 %n, ptr %pieces seq_cst, align 8
  %old = load atomic i64, ptr %ticket monotonic, align 8
  %number = add i64 %old, 4294967296
  %new = or i64 %number, %n
  store atomic i64 %new, ptr %ticket seq_cst, align 8
  %s = load atomic i64, ptr %sleeping seq_cst, align 8
  %asleep = icmp ne i64 %s, 0
  br i1 %asleep, label %rouse, label %share
rouse:
  %work = getelementptr %pool, ptr %p, i32 0, i32 22
  call void @wake(ptr %p, ptr %work)
  br label %share
share:
  call void @work(ptr %p, i64 0)
  br label %look
look:
  %i = phi i64 [ 0, %share ], [ %next, %pause ]
  %d = load atomic i64, ptr %done seq_cst, align 8
  %all = icmp eq i64 %d, %n
  br i1 %all, label %leave, label %pause
pause:
  PAUSE
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, LOOKS
  br i1 %again, label %look, label %sleep
sleep:
  %mutex = getelementptr %pool, ptr %p, i32 0, i32 21
  %condition = getelementptr %pool, ptr %p, i32 0, i32 23
  call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i64 1, ptr %waits seq_cst, align 8
  br label %check
check:
  %d2 = load atomic i64, ptr %done seq_cst, align 8
  %all2 = icmp eq i64 %d2, %n
  br i1 %all2, label %rise, label %wait
wait:
  call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %check
rise:
  store atomic i64 0, ptr %waits seq_cst, align 8
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %leave
leave:
  store atomic i64 0, ptr %busy seq_cst, align 8
  ret void
}
"""

_STAFF = """
; New workers, who get no signals: these are for Python's own threads.
define internal void @start(ptr %p) #0 {
  %all = alloca [64 x i64], align 16
  %old = alloca [64 x i64], align 16
  %wanted = getelementptr %pool, ptr %p, i32 0, i32 14
  %there = getelementptr %pool, ptr %p, i32 0, i32 15
  call i32 @sigfillset(ptr %all)
  call i32 @pthread_sigmask(i32 SETMASK, ptr %all, ptr %old)
  br label %check
check:
  %i = load i64, ptr %there, align 8
  %number = add i64 %i, 1
  %w = load atomic i64, ptr %wanted monotonic, align 8
  %more = icmp ult i64 %number, %w
  br i1 %more, label %hire, label %end
hire:
  %seat = getelementptr %pool, ptr %p, i32 0, i32 24, i64 %i
  store ptr %p, ptr %seat, align 8
  %slot = getelementptr %seat, ptr %seat, i32 0, i32 1
  store i64 %number, ptr %slot, align 8
  %thread = getelementptr %seat, ptr %seat, i32 0, i32 2
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %seat)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %hired, label %scarce
hired:
  store i64 %number, ptr %there, align 8
  br label %check
scarce:
  store atomic i64 %number, ptr %wanted seq_cst, align 8
  br label %end
end:
  call i32 @pthread_sigmask(i32 SETMASK, ptr %old, ptr null)
  ret void
}

; In a process that is a copy, however it was made, there are no workers, nor anybody else; and a
; worker may have held the mutex when it was made. The first who notices takes the pool over;
; whether it is there to be used.
define internal i1 @notice(ptr %p) #0 {
  %place = getelementptr %pool, ptr %p, i32 0, i32 18
  %before = load atomic i32, ptr %place seq_cst, align 4
  %now = call i32 @getpid()
  %same = icmp eq i32 %before, %now
  br i1 %same, label %end, label %copied
copied:
  %taking = getelementptr %pool, ptr %p, i32 0, i32 19
  %process = sext i32 %now to i64
  %other = load atomic i64, ptr %taking seq_cst, align 8
  %taken = icmp eq i64 %other, %process
  br i1 %taken, label %later, label %take
take:
  %exchange = cmpxchg ptr %taking, i64 %other, i64 %process seq_cst seq_cst
  %mine = extractvalue { i64, i1 } %exchange, 1
  br i1 %mine, label %begin, label %later
later:
  ret i1 false
begin:
  %busy = getelementptr %pool, ptr %p, i32 0, i32 4
  %sleeping = getelementptr %pool, ptr %p, i32 0, i32 6
  %waits = getelementptr %pool, ptr %p, i32 0, i32 8
  %there = getelementptr %pool, ptr %p, i32 0, i32 15
  %mutex = getelementptr %pool, ptr %p, i32 0, i32 21
  %work = getelementptr %pool, ptr %p, i32 0, i32 22
  %all = getelementptr %pool, ptr %p, i32 0, i32 23
  store i64 0, ptr %there, align 8
  store atomic i64 0, ptr %sleeping seq_cst, align 8
  store atomic i64 0, ptr %waits seq_cst, align 8
  call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  call i32 @pthread_cond_init(ptr %work, ptr null)
  call i32 @pthread_cond_init(ptr %all, ptr null)
  store atomic i64 0, ptr %busy seq_cst, align 8
  store atomic i32 %now, ptr %place seq_cst, align 4
  br label %end
end:
  ret i1 true
}

; Waits until nobody uses the pool, and lets its workers end. Nobody can use it until it is opened;
; who comes meanwhile finds that no threads are wanted, and does not keep us waiting.
define internal void @close(ptr %p) #0 {
  %wanted = getelementptr %pool, ptr %p, i32 0, i32 14
  %busy = getelementptr %pool, ptr %p, i32 0, i32 4
  br label %try
try:
  %ours = call i1 @notice(ptr %p)
  br i1 %ours, label %claim, label %wait
claim:
  store atomic i64 1, ptr %wanted seq_cst, align 8
  %exchange = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue { i64, i1 } %exchange, 1
  br i1 %free, label %mine, label %wait
wait:
  call i32 @usleep(i32 20)
  br label %try
mine:
  %closed = getelementptr %pool, ptr %p, i32 0, i32 17
  store i32 1, ptr %closed, align 4
  %ending = getelementptr %pool, ptr %p, i32 0, i32 16
  store atomic i64 1, ptr %ending seq_cst, align 8
  %work = getelementptr %pool, ptr %p, i32 0, i32 22
  call void @wake(ptr %p, ptr %work)
  %there = getelementptr %pool, ptr %p, i32 0, i32 15
  br label %check
check:
  %i = load i64, ptr %there, align 8
  %none = icmp eq i64 %i, 0
  br i1 %none, label %end, label %join
join:
  %less = sub i64 %i, 1
  store i64 %less, ptr %there, align 8
  %place = getelementptr %pool, ptr %p, i32 0, i32 24, i64 %less, i32 2
  %thread = load ptr, ptr %place, align 8
  call i32 @pthread_join(ptr %thread, ptr null)
  br label %check
end:
  store atomic i64 0, ptr %ending seq_cst, align 8
  ret void
}

; Does nothing unless the pool is closed: an interrupt may have come before that.
define internal void @open(ptr %p, i64 %n) #0 {
  %wanted = getelementptr %pool, ptr %p, i32 0, i32 14
  %busy = getelementptr %pool, ptr %p, i32 0, i32 4
  %closed = getelementptr %pool, ptr %p, i32 0, i32 17
  call i1 @notice(ptr %p)
  %c = load i32, ptr %closed, align 4
  %is_open = icmp eq i32 %c, 0
  br i1 %is_open, label %end, label %do
do:
  store i32 0, ptr %closed, align 4
  store atomic i64 %n, ptr %wanted seq_cst, align 8
  store atomic i64 0, ptr %busy seq_cst, align 8
  br label %end
end:
  ret void
}

define internal void @resize(ptr %p, i64 %n) #0 {
  call void @close(ptr %p)
  call void @open(ptr %p, i64 %n)
  ret void
}
"""

_SETUP = """
define void @setup(ptr %p, ptr %functions) #0 {
  call i1 @notice(ptr %p)
  %second = getelementptr ptr, ptr %functions, i32 1
  %third = getelementptr ptr, ptr %functions, i32 2
  %fourth = getelementptr ptr, ptr %functions, i32 3
  store ptr @together, ptr %functions, align 8
  store ptr @close, ptr %second, align 8
  store ptr @open, ptr %third, align 8
  store ptr @resize, ptr %fourth, align 8
  ret void
}
"""

#: What a processor is told while a thread only looks.
_PAUSES = {"x86_64": "@llvm.x86.sse2.pause()", "aarch64": "@llvm.aarch64.hint(i32 1)"}
_PAUSES["arm64"] = _PAUSES["aarch64"]


def called() -> list[str]:
    """The names of the functions of the process that the pool needs."""
    return [line.split("@")[1].split("(")[0] for line in _LAYOUT.splitlines() if "declare" in line]


def written() -> str:
    """The pool's functions, in LLVM's language."""
    text = "".join([_LAYOUT, _WORK, _RUN, _STAFF, _SETUP])
    pause = _PAUSES.get(llvm.get_default_triple().split("-")[0])
    text = text.replace("PAUSE", f"call void {pause}" if pause else "")
    if pause:
        text += f"declare void {pause.replace(' 1', '')}"
    return text.replace("LOOKS", str(_LOOKS)).replace("SETMASK", str(int(signal.SIG_SETMASK)))
