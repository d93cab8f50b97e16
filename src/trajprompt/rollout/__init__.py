"""The batched simulator loop that collection, tuning and evaluation share."""
