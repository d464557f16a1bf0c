"""The `gcp` provider of the local cloud: checks what a program declares, and records it. It contacts nobody.

- `configuration` provider settings
- `sdk`           what the installed pulumi-gcp says about a type: inputs, required ones, allowed values, outputs
- `checking`      inputs against that, all problems at once; `rules` what Google refuses besides
- `record`        what the table says about a type; `types` the table, one module a field of services
- `resources`     create, read, update, delete in the store of `sandbox.gcp`; `provider` the back end of the protocol
- `leftovers`     what is recorded, and what of it nobody manages
"""

VERSION = "10.2.0"
"""The pulumi-gcp release whose resources this provider stands in for."""
