"""Google Cloud on this machine: recorded, not emulated.

There is no emulator for the APIs that the components use, so nothing here behaves like Google: the provider checks what
a program declares and writes it down, the node daemons make nodes of the node pools they find written, and tokens of
the recorded clusters are accepted by the local API server.

- `store`  what is recorded: one file a resource, shared by every plugin process and daemon
- `faults` calls that are to fail or wait, for tests
- `tokens` what stands for `gke-gcloud-auth-plugin`, and who its tokens are

No daemon: the files are there as long as the local cloud is.
"""

PROJECT = "aidc-local"
"""The project of local stacks. Their file names it, so that no real project can be meant."""
