"""Search by returns: propose prompts, play them, keep the best."""
