"""The `aws` provider of the local cloud: a table of resource types over boto3, for the AWS API of this machine only.

- `configuration` provider settings; refuses every endpoint that is not on loopback and every account that is not
  allowed
- `cloud`       calls: clients, retries of throttled calls, one line an error
- `record`      what the table says about a type; `types` the table, one module a service
- `inputs`      checking and naming; `compare` what counts as a change; `tags` tags of each service
- `resources`   create, read, update, delete by the table; `provider` the back end of the protocol; `invokes` look-ups
- `inventory`   what exists in the account; `leftovers` what a killed update left behind

State is not interchangeable with the official provider's: a local stack stays local.
"""

VERSION = "7.51.1"
"""The pulumi-aws release whose resources this provider stands in for."""
