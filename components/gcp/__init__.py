"""How one thing is built on Google Cloud. Beside each block of AWS stands the one that means the same here."""
