"""Stage 1: replay buffers and scripted experts."""
