"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "no-shell": ("本机没有 opskit 能为其补全的 shell", "写明 shell：bash、zsh 或 fish"),
    "zsh-not-in-fpath": ("zsh 只在 fpath 所列目录里找用户自己的补全", "按所示的一行改 ~/.zshrc"),
}
