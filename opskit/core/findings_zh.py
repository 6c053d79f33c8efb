"""The findings that any command can have, in Chinese: what each means, and what to do. Held against finding.py."""

from __future__ import annotations

CHINESE = {
    "changed-since-plan": ("主机与制定计划时已不同", "重新做一次预演（--dry-run）"),
    "plan-of-another-machine": (
        "--only-plan 指定的计划是在另一台机器上制定的",
        "确认要改的就是这台机器，再重新做一次预演（--dry-run）",
    ),
    "opskit-replaced": ("命令等待期间，opskit 被升级或删除了", "再运行一次同样的命令"),
    "needs-privilege": ("预演所示的操作需要 root，或自己的状态目录", "以 root 运行，或加 --state-dir"),
    "plan-taken-back": ("--only-plan 指定的计划做过，之后被撤销了", "重新做一次预演（--dry-run）"),
    "left-over": ("被杀掉的运行留下了临时文件", "按提示删除"),
    "command-failed": ("有程序失败，但不影响要做的事", "按提示查看"),
}
