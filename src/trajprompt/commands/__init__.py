"""Commands: one module for each subcommand of ``trajprompt``."""
