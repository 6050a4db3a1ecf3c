"""What is checked in a bundle besides its digests and signatures: its contract, and the machine of its library."""
