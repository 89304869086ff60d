"""The policy gate: what every synthesized stack is held to, and the table of controls it serves."""
