"""Anthropic's Messages API: the same scripted models behind another protocol, as strict as the real one."""
