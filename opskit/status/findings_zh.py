"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "area-not-looked-at": ("有一项没能查看，或没有按时应答", "单独运行所示的命令，看它停在哪里"),
    "no-timer": ("本机不由 systemd 管理，没有定时器可装", "用 cron 运行 opskit check"),
    "timer-program-weak": ("root 以外的用户能改动 root 的定时器要运行的程序", "把 opskit 装到只有 root 能写的目录"),
}
