"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {"area-not-looked-at": ("有一项没能查看，或没有按时应答", "单独运行所示的命令，看它停在哪里")}
