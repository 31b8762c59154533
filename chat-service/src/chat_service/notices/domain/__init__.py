"""What a notice is, and who takes one."""
