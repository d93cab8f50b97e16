"""Files that the stages write: whole or not at all, with what made them."""
