"""Who holds the lock of yum, dnf, PackageKit or rpm, and what is safe: `opskit yum`.

Where a change belongs:

  what is seen, as types         model.py; of `yum why` why/model.py
  seeing                         see/: places.py, where locks are; locks.py, a lock file, by F_GETLK only; processes.py,
                                 /proc; history.py, dnf's transactions; facts.py, all of these together
  deciding                       state.py: states, phases, advice; explain.py: who is behind a process; findings.py;
                                 transactions.py, the newest one in the bytes of dnf's history
  `yum lock`                     cli.py, show.py
  `yum wait`                     wait/: see.py, inotify and pidfds; cli.py
  `yum unlock`                   unlock/: plan.py; steps.py, signals through a pidfd, a broken file put aside; cli.py
  rpm's Berkeley DB              database/: regions.py, what a killed process left in it; see.py; plan.py and steps.py,
                                 its rebuilding by `yum unlock`
  `yum why`                      why/: see.py, cron.py and units.py, what runs by itself; plan.py and steps.py, --hold;
                                 cli.py, show.py
  status and check               see/check.py, report.py; thresholds.py: from when on a lock is told
  a step that an old run had     steps.py: KINDS

Never: a lock on .rpm.lock (even a read lock makes an `rpm -i` fail), its removal, SIGKILL, a signal by pid.
"""
