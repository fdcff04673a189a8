"""What the tool asks of the operating system and of Python; nothing here knows of multipliers."""
