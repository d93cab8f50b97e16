"""Reading artifacts for people: one module per kind, used by ``trajprompt inspect``."""
