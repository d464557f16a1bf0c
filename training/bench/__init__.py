"""The acceptance benchmark: all-reduce and matrix multiply over N ranks with JAX, one versioned JSON result.

Runs where there is only Python and JAX: `python -m training.bench` from the repository, `python main.py` from a flat
folder that holds these files (a mounted config map). Imports nothing of the toolkit. Rank, world size and the address
of rank 0 come from the environment of an Indexed Job or torchrun.

Each rank is two processes: one of the standard library only, which reports to rank 0 whatever happens, and its worker,
which runs JAX and may hang or die. So a failure ends with a result that names it.
"""
