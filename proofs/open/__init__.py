"""Shipped code at open sizes: a trace whose axes have names instead of lengths, read as terms of the kernel."""
