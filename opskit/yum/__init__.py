"""Who holds the lock of yum, dnf, PackageKit or rpm, and what is safe: `opskit yum`.

Where a change belongs:

  where locks are                places.py
  seeing                         locks.py: a lock file, by F_GETLK only; processes.py: /proc; facts.py: both together;
                                 autoruns.py and cron.py: what runs by itself; model.py: what is seen
  deciding                       state.py: states, phases, advice; explain.py: who is behind a process; findings.py;
                                 plan.py: unlock; hold_plan.py: why --hold
  acting                         steps.py: signals through a pidfd, a broken file put aside; hold_steps.py
  waiting                        watch.py: inotify and pidfds; wait.py
  what a person sees             cli.py and *_cli.py, show_lock.py, show_why.py; times.py: spans as they are typed

Never: a lock on .rpm.lock (even a read lock makes an `rpm -i` fail), its removal, SIGKILL, a signal by pid.
"""
