"""What surrounds a run: its folder, its loggers, its page, its command line."""
