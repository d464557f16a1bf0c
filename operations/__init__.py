"""What a live stack needs: up and down, recovery, status, history, a state backend."""
