"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "already-taken-back": ("该运行失败时已尽量撤回", "无需处理"),
    "already-undone": ("该运行已被撤销", "无需处理"),
    "another-host": ("该运行是在另一台主机上做的", "在那台主机上撤销"),
    "cannot-undo": ("有一步保留不撤，并说明原因", "按提示手工处理"),
    "ledger-damaged": ("账本有损坏、缺失或重复的行", "保留该文件，按提示核对那次运行"),
    "lost-step": ("某一步可能已做，但账本丢了撤销所需的内容", "对照主机的实际状态手工核对"),
    "nothing-left": ("该运行在本机已无痕迹，或后来的运行做了同样的事", "无需处理"),
    "run-kept": ("清理时保留了一个够旧的运行，并说明原因", "无需处理；先撤销它，或加 --all"),
    "run-waits": ("有一次运行中断，或失败后没有完全撤回", "按提示重复当初的命令，或撤销它"),
    "takes-back-more": ("这次撤销之后，更早的运行也有可撤销的部分", "需要时再撤销那一次"),
    "undo-of-undo": ("该运行本身就是一次撤销", "重新运行当初的命令"),
}
